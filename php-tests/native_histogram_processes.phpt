--TEST--
Native histograms of several processes add up, after kill -9 as well
--DESCRIPTION--
What a killed worker observed stays, and nothing is ever reset: the numbers of a histogram whose processes come and go must only grow. A name's exemplar and its registry's constant labels are those of any metric.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}9a2
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, RenderTextFormat};

$registry = new CollectorRegistry(null, false, ['app' => 'a']);
$h = $registry->registerNativeHistogram('', 'h', '', [], 2, 1, 4);
var_dump($registry->getNativeHistogram('', 'h') === $h, $registry->getOrRegisterNativeHistogram('', 'h', '') === $h);
attempt_in_full(fn () => $registry->registerNativeHistogram('', 'h', ''));
attempt_in_full(fn () => $registry->getNativeHistogram('', 'other'));
$h->observe(1.5, [], ['trace_id' => 'abc']);
$children = [
    Child::start(fn () => $h->observe(3), fn () => $h->observe(0)),
    Child::start(fn () => [$h->observe(3), $h->observe(9)], fn () => 0),
];
$show = function () use ($registry) {
    echo preg_replace('/^#.*\n/m', '', (new RenderTextFormat())->render($registry->getMetricFamilySamples()));
};
$show();
$children[1]->kill();
$children[0]->step();
$children[0]->finish();
Child::start(fn () => $h->observe(3))->kill();
$show();
$timer = $h->startTimer();
var_dump($timer->observeDuration() > 0, $h->time(fn () => 'done'), sample('h_count{app="a"}'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
Promshm\Exception\MetricsRegistrationException: NativeHistogram h is already registered; getOrRegisterNativeHistogram() returns the one there is
Promshm\Exception\MetricNotFoundException: NativeHistogram other is not known to this registry: register it first, or use getOrRegisterNativeHistogram()
h_bucket{app="a",le="1.0"} 0
h_bucket{app="a",le="2.0"} 1
h_bucket{app="a",le="4.0"} 3
h_bucket{app="a",le="+Inf"} 4
h_count{app="a"} 4
h_sum{app="a"} 16.5
h_bucket{app="a",le="1.0"} 1
h_bucket{app="a",le="2.0"} 2
h_bucket{app="a",le="4.0"} 5
h_bucket{app="a",le="+Inf"} 6
h_count{app="a"} 6
h_sum{app="a"} 19.5
bool(true)
string(4) "done"
string(1) "8"
