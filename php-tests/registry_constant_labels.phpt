--TEST--
A registry adds its constant labels to all its metrics
--DESCRIPTION--
They are part of the series, but no argument of a call; two registries may give different values.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a4
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter};

$shop = new CollectorRegistry(null, true, ['app' => 'shop', 'zone' => 7]);
$blog = new CollectorRegistry(registerDefaultMetrics: false, constantLabels: ['app' => 'blog', 'zone' => 7]);
foreach (['shop' => $shop, 'blog' => $blog] as $registry) {
    $jobs = $registry->getOrRegisterCounter('', 'jobs_total', 'Jobs.', ['queue']);
    $jobs->inc(['mail']);
    $jobs->inc(['queue' => 'mail']);
    $jobs->labels('video')->inc();
    $registry->getOrRegisterGauge('', 'plain', '')->set(3);
}
var_dump($jobs->getLabelNames());
echo str_replace(PHP_VERSION, 'PHP_VERSION', samples());
var_dump($jobs->remove(['video']), sample('jobs_total{queue="video",app="blog",zone="7"}'));

attempt(fn () => $jobs->inc(['mail', 'shop', 7]), 'needs 1 label value (queue)');
attempt(fn () => $shop->getOrRegisterCounter('', 'clash', '', ['app']), 'app', 'twice');
attempt_in_full(fn () => new Counter('jobs_total', '', ['queue']));
attempt(fn () => new CollectorRegistry(constantLabels: ['list']), 'keyed by');
attempt(fn () => new CollectorRegistry(constantLabels: ['le' => 1]), 'le');
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
array(1) {
  [0]=>
  string(5) "queue"
}
jobs_total{queue="mail",app="blog",zone="7"} 2
jobs_total{queue="mail",app="shop",zone="7"} 2
jobs_total{queue="video",app="blog",zone="7"} 1
jobs_total{queue="video",app="shop",zone="7"} 1
php_info{version="PHP_VERSION"} 1
plain{app="blog",zone="7"} 3
plain{app="shop",zone="7"} 3
bool(true)
NULL
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\MetricsRegistrationException: jobs_total is already defined as a counter with labels (queue, app, zone), and cannot be a counter with labels (queue) as well: use one definition, or another name
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
