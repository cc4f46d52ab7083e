--TEST--
Labels are given by position, or by name in any order
--DESCRIPTION--
All forms must reach the same series; a client that maps keyed labels by position swaps them silently.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}004
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram};

$c = new Counter('c_total', '', ['method', 'code']);
$c->inc(['GET', '200']);
$c->inc(['method' => 'GET', 'code' => '200']);
$c->inc(['code' => '200', 'method' => 'GET']);
$c->labels('GET', '200')->inc();
$array = ['GET'];
$array[] = '200';
$c->inc($array);
$value = 'GET';
$c->inc([&$value, '200']);
$g = new Gauge('g', '', ['method', 'code']);
$g->set(1, ['GET', '200']);
$g->inc(['code' => '200', 'method' => 'GET']);
$h = new Histogram('h', '', ['method', 'code'], [1]);
$h->observe(1, ['GET', '200']);
$h->observe(1, ['code' => '200', 'method' => 'GET']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{method="GET",code="200"} 6
g{method="GET",code="200"} 2
h_bucket{method="GET",code="200",le="1.0"} 2
h_bucket{method="GET",code="200",le="+Inf"} 2
h_sum{method="GET",code="200"} 2
h_count{method="GET",code="200"} 2
