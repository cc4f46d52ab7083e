--TEST--
A bound handle updates its series after its parent is freed
--DESCRIPTION--
Bound handles are the fast path; they hold on to what the parent held.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}00d
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram};

$c = new Counter('c_total', '', ['a']);
$x = $c->labels('x');
$y = $c->labels('y');
$x2 = $c->labels('x');
unset($c);
gc_collect_cycles();
$x->inc();
$y->incBy(2);
$x2->inc();

$orphan = (new Gauge('g', '', ['a']))->labels('x');
$orphan->set(5);
$orphan->inc();
$orphan->incBy(2);
$orphan->dec();
$orphan->decBy(3);

(new Histogram('h', '', ['a'], [1]))->labels('x')->observe(0.5);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="x"} 2
c_total{a="y"} 2
g{a="x"} 4
h_bucket{a="x",le="1.0"} 1
h_bucket{a="x",le="+Inf"} 1
h_sum{a="x"} 0.5
h_count{a="x"} 1
