--TEST--
With label names in another order, a registry returns a handle with the positions of that call
--DESCRIPTION--
To Prometheus label names are a set. Values that are given by position belong to the names of the call that they are
passed with, so one that names the labels in another order gets a handle of its own on the same series.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}123
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\CollectorRegistry;

/** The keys are the names in the order of the call: new strings and a new array each time. */
function count_job(CollectorRegistry $registry, array $labels): void
{
    $registry->getOrRegisterCounter('', 'jobs_total', '', array_keys($labels))->inc(array_values($labels));
}

$registry = new CollectorRegistry(registerDefaultMetrics: false);
for ($i = 0; $i < 3; $i++) {
    count_job($registry, ['queue' => 'mail', 'status' => 'ok']);
    count_job($registry, ['status' => 'ok', 'queue' => 'mail']);
    // Literals: the same array at each call.
    $registry->getOrRegisterCounter('', 'jobs_total', '', ['queue', 'status'])->inc(['mail', 'ok']);
    $registry->getOrRegisterCounter('', 'jobs_total', '', ['status', 'queue'])->inc(['ok', 'mail']);
    $registry->getOrRegisterCounter('', 'jobs_total', '', labels: ['status', 'queue'])->inc(['ok', 'mail']);
}

// One handle for each order; the first one for calls without label names or with other labels.
$first = $registry->getCounter('', 'jobs_total');
$other = $registry->getOrRegisterCounter('', 'jobs_total', '', ['status', 'queue']);
var_dump($first->getLabelNames() === ['queue', 'status'], $other->getLabelNames() === ['status', 'queue']);
var_dump($registry->getOrRegisterCounter('', 'jobs_total', '', ['queue', 'status']) === $first);
var_dump($registry->getOrRegisterCounter('', 'jobs_total', '', ['status', 'queue']) === $other);
var_dump($registry->getOrRegisterCounter('', 'jobs_total', '') === $first);
var_dump($registry->getOrRegisterCounter('', 'jobs_total', '', ['other']) === $first);
var_dump($registry->getOrRegisterCounter('', 'jobs_total', '', ['queue', 'queue']) === $first);
attempt(fn () => $registry->registerCounter('', 'jobs_total', '', ['status', 'queue']), 'already registered');

// An array that changes after a call, directly or through a reference, is compared again.
$names = [str_repeat('x', 3), 'y'];
$copy = $names;
$registry->getOrRegisterGauge('', 'size', '', $names)->set(1, ['vx', 'vy']);
$names = ['y', 'xxx'];
$registry->getOrRegisterGauge('', 'size', '', $names)->set(2, ['vy', 'vx']);
[$a, $b] = ['a', 'b'];
$names = [&$a, &$b];
$registry->getOrRegisterGauge('', 'shared', '', $names)->set(1, ['va', 'vb']);
[$a, $b] = ['b', 'a'];
$registry->getOrRegisterGauge('', 'shared', '', $names)->set(2, ['vb', 'va']);

// With further arguments.
foreach ([['x', 'y', '1', '2'], ['y', 'x', '2', '1'], ['x', 'y', '1', '2']] as [$one, $two, $v, $w]) {
    $registry->getOrRegisterHistogram('', 'seconds', '', [$one, $two], [1])->observe(1, [$v, $w]);
    $registry->getOrRegisterSummary('', 'bytes', '', [$one, $two], 600, [0.5])->observe(1, [$v, $w]);
}

$shop = new CollectorRegistry(registerDefaultMetrics: false, constantLabels: ['app' => 'shop']);
$shop->getOrRegisterCounter('', 'sold_total', '', ['x', 'y'])->inc(['1', '2']);
$shop->getOrRegisterCounter('', 'sold_total', '', ['y', 'x'])->inc(['2', '1']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
Promshm\Exception\MetricsRegistrationException
bytes{x="1",y="2",quantile="0.5"} 1
bytes_sum{x="1",y="2"} 3
bytes_count{x="1",y="2"} 3
jobs_total{queue="mail",status="ok"} 15
seconds_bucket{x="1",y="2",le="1.0"} 3
seconds_bucket{x="1",y="2",le="+Inf"} 3
seconds_sum{x="1",y="2"} 3
seconds_count{x="1",y="2"} 3
shared{a="va",b="vb"} 2
size{xxx="vx",y="vy"} 2
sold_total{x="1",y="2",app="shop"} 2
