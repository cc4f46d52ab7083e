--TEST--
Arguments may be named, and optional ones left out
--DESCRIPTION--
The engine fills the gaps from the declared defaults, so these must be true and complete.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}034
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

$c = new Counter(labelNames: ['a'], name: 'c_total');
$c->inc(labels: ['x']);
$c->incBy(labels: ['x'], value: 2);
$g = new Gauge('g', mode: GaugeMode::Sum);
$g->set(value: 4);
$h = new Histogram('h', buckets: [1]);
$h->observe(value: 1);
show();
var_dump(Histogram::linearBuckets(numberOfBuckets: 2, width: 1, start: 1) === [1.0, 2.0]);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="x"} 3
g 4
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 1
h_count 1
bool(true)
