--TEST--
remove() removes one series, and a later update starts it from zero
--DESCRIPTION--
The series of a deleted tenant must disappear from the scrape, and a later update must neither restore old numbers nor be lost.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}024
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram};

$c = new Counter('c_total', '', ['a']);
$bound = $c->labels('x');
$bound->incBy(5);
$c->inc(['y']);
var_dump($c->remove(['x']));
var_dump($c->remove(['x']));
var_dump($c->remove(['never']));
show();
$bound->inc();
$c->inc(['x']);
show();
var_dump($bound->remove());
show();

$plain = new Gauge('g');
var_dump($plain->remove());
$plain->set(3);
var_dump($plain->remove(), $plain->remove());
$plain->inc();

$h = new Histogram('h', '', ['a'], [1]);
$h->observe(1, ['x']);
var_dump($h->remove(['a' => 'x']));
$h->observe(2, ['x']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(false)
bool(false)
c_total{a="y"} 1
c_total{a="x"} 2
c_total{a="y"} 1
bool(true)
c_total{a="y"} 1
bool(false)
bool(true)
bool(false)
bool(true)
c_total{a="y"} 1
g 1
h_bucket{a="x",le="1.0"} 0
h_bucket{a="x",le="+Inf"} 1
h_sum{a="x"} 2
h_count{a="x"} 1
