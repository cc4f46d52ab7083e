--TEST--
Definitions that differ only in the order of label names are one metric
--DESCRIPTION--
To Prometheus label names are a set. Values that are given by position belong to the names of their own definition,
within one process and between two programs of one application.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}122
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, Histogram};

$one = new Counter('jobs_total', '', ['queue', 'status']);
$other = new Counter('jobs_total', '', ['status', 'queue']);
$one->inc(['mail', 'ok']);
$other->inc(['ok', 'mail']);
$other->inc(['queue' => 'mail', 'status' => 'ok']);
$other->labels('failed', 'mail')->incBy(5);
var_dump($one->getLabelNames() === ['queue', 'status'], $other->getLabelNames() === ['status', 'queue']);
$first = new CollectorRegistry(registerDefaultMetrics: false, constantLabels: ['app' => 'shop', 'zone' => 'a']);
$second = new CollectorRegistry(registerDefaultMetrics: false, constantLabels: ['zone' => 'a', 'app' => 'shop']);
$first->getOrRegisterCounter('', 'sold_total', '', ['x', 'y'])->inc(['1', '2']);
$second->getOrRegisterCounter('', 'sold_total', '', ['y', 'x'])->inc(['2', '1']);
echo run_php('
    (new Promshm\Histogram("time", "", ["b", "a"], [1]))->observe(1, ["vb", "va"]);
    (new Promshm\Counter("jobs_total", "", ["status", "queue"]))->inc(["ok", "mail"]);
');
(new Histogram('time', '', ['a', 'b'], [1]))->observe(1, ['va', 'vb']);
$other->remove(['failed', 'mail']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
jobs_total{queue="mail",status="ok"} 4
sold_total{x="1",y="2",app="shop",zone="a"} 2
time_bucket{b="vb",a="va",le="1.0"} 2
time_bucket{b="vb",a="va",le="+Inf"} 2
time_sum{b="vb",a="va"} 2
time_count{b="vb",a="va"} 2
