--TEST--
Constructing a metric that exists returns a handle on it
--DESCRIPTION--
Code that runs once a job constructs its metrics once a job; a different help text does not make another metric.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}020
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

(new Counter('c_total', 'Help', ['a']))->inc(['x']);
(new Counter('c_total', 'Help', ['a']))->inc(['x']);
(new Counter('c_total', 'Another help', ['a']))->inc(['x']);
(new Gauge('g', '', [], GaugeMode::Sum))->inc();
(new Gauge('g', '', [], GaugeMode::Sum))->inc();
(new Histogram('h'))->observe(20);
(new Histogram('h', '', [], Histogram::getDefaultBuckets()))->observe(20);
(new Histogram('h', '', [], [...Histogram::getDefaultBuckets(), INF]))->observe(20);
echo preg_replace('/^h_bucket.*\n/m', '', samples());
echo run_php('(new Counter("c_total", "Help", ["a"]))->inc(["x"]); echo sample("c_total{a=\"x\"}"), "\n";');
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="x"} 3
g 2
h_sum 60
h_count 3
4
