--TEST--
Segment::wipe() removes all series, and existing handles continue from zero
--DESCRIPTION--
Tests of applications wipe between cases and keep their handles.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}026
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment};

$c = new Counter('c_total', '', ['a']);
$bound = $c->labels('x');
$g = new Gauge('g', '', [], GaugeMode::Sum);
$h = new Histogram('h', '', [], [1]);
$bound->incBy(5);
$g->set(5);
$h->observe(1);
Segment::wipe();
echo '[', samples(), "]\n";
$bound->inc();
$c->inc(['x']);
$g->inc();
$h->observe(2);
show();
Segment::wipe();
Segment::wipe();
echo '[', samples(), "]\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
[]
c_total{a="x"} 2
g 1
h_bucket{le="1.0"} 0
h_bucket{le="+Inf"} 1
h_sum 2
h_count 1
[]
