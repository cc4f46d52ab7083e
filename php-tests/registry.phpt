--TEST--
CollectorRegistry has PromPHP's methods and returns the native classes
--DESCRIPTION--
A service moves by changing its use lines, so calls, results and exceptions are those of that library.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a2
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\CollectorRegistry;

/** A storage adapter as services pass it. */
final class SomeAdapter
{
}

$registry = new CollectorRegistry(new SomeAdapter(), false);

$counter = $registry->registerCounter('app', 'jobs_total', 'Jobs done.', ['queue']);
$counter->inc(['mail']);
$counter->incBy(2, ['mail']);
$registry->getOrRegisterCounter('app', 'jobs_total', 'Jobs done.', ['queue'])->inc(['mail']);
var_dump($registry->getCounter('app', 'jobs_total') === $counter);
var_dump($registry->getOrRegisterCounter('app', 'jobs_total', 'other help', ['other']) === $counter);
var_dump($counter->getName(), $counter->getHelp(), $counter->getLabelNames(), $counter->getType());

$gauge = $registry->getOrRegisterGauge('', 'temperature', 'It is.');
$gauge->set(17.5);
$gauge->incBy(2);
$gauge->decBy(1);
$gauge->dec();
var_dump($registry->getGauge('', 'temperature') === $gauge);

$histogram = $registry->getOrRegisterHistogram('app', 'seconds', 'Time.', ['queue'], [1, 2]);
$histogram->observe(1.5, ['mail']);
var_dump($registry->getHistogram('app', 'seconds') === $histogram);
$registry->registerHistogram('app', 'sizes', 'Default buckets.')->observe(3);

// Names may be of any type that PHP converts to a string.
var_dump($registry->getOrRegisterCounter('n', '_5', '')->getName());
echo get_class($registry->getOrRegisterCounter(namespace: 'app', name: 'named', help: '')), "\n";

show();

// Each type has separate getters, as in PromPHP; but a name belongs to one metric only.
attempt_in_full(fn () => $registry->registerCounter('app', 'jobs_total', ''));
attempt_in_full(fn () => $registry->getGauge('app', 'jobs_total'));
attempt_in_full(fn () => $registry->getCounter('app', 'nothing'));
attempt_in_full(fn () => $registry->getOrRegisterGauge('app', 'jobs_total', ''));
attempt(fn () => $registry->registerCounter('app', 'not a name', ''), 'app_not a name');
attempt(fn () => $registry->registerCounter('app', 'x', '', ['__reserved']), '__reserved');
attempt(fn () => $registry->registerHistogram('app', 'x', '', ['le']), 'le');
attempt(fn () => $registry->registerHistogram('app', 'x', '', [], []), 'bucket');
attempt(fn () => $registry->registerHistogram('app', 'x', '', [], [2, 1]), 'increasing');
attempt(fn () => $counter->inc(), 'needs 1 label value');
attempt(fn () => $registry->getOrRegisterCounter('app'));
attempt(fn () => $registry->getOrRegisterCounter('app', 'x', ''  , 'no array'));
attempt(fn () => $registry->getOrRegisterCounter([], 'x', ''));
attempt(fn () => clone $registry);

// Another registry does not list this one's metrics, but updates the same series.
$other = new CollectorRegistry(registerDefaultMetrics: false);
attempt(fn () => $other->getCounter('app', 'jobs_total'));
$other->registerCounter('app', 'jobs_total', 'Jobs done.', ['queue'])->inc(['mail']);
echo sample('app_jobs_total{queue="mail"}'), "\n";

$registry->wipeStorage();
var_dump(samples());
$counter->inc(['mail']);
echo samples();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
string(14) "app_jobs_total"
string(10) "Jobs done."
array(1) {
  [0]=>
  string(5) "queue"
}
string(7) "counter"
bool(true)
bool(true)
string(4) "n__5"
Promshm\Counter
app_jobs_total{queue="mail"} 4
app_named 0
app_seconds_bucket{queue="mail",le="1.0"} 0
app_seconds_bucket{queue="mail",le="2.0"} 1
app_seconds_bucket{queue="mail",le="+Inf"} 1
app_seconds_sum{queue="mail"} 1.5
app_seconds_count{queue="mail"} 1
app_sizes_bucket{le="0.005"} 0
app_sizes_bucket{le="0.01"} 0
app_sizes_bucket{le="0.025"} 0
app_sizes_bucket{le="0.05"} 0
app_sizes_bucket{le="0.075"} 0
app_sizes_bucket{le="0.1"} 0
app_sizes_bucket{le="0.25"} 0
app_sizes_bucket{le="0.5"} 0
app_sizes_bucket{le="0.75"} 0
app_sizes_bucket{le="1.0"} 0
app_sizes_bucket{le="2.5"} 0
app_sizes_bucket{le="5.0"} 1
app_sizes_bucket{le="7.5"} 1
app_sizes_bucket{le="10.0"} 1
app_sizes_bucket{le="+Inf"} 1
app_sizes_sum 3
app_sizes_count 1
n__5 0
temperature 17.5
Promshm\Exception\MetricsRegistrationException: Counter app_jobs_total is already registered; getOrRegisterCounter() returns the one there is
Promshm\Exception\MetricNotFoundException: Gauge app_jobs_total is not known to this registry: register it first, or use getOrRegisterGauge()
Promshm\Exception\MetricNotFoundException: Counter app_nothing is not known to this registry: register it first, or use getOrRegisterCounter()
Promshm\Exception\MetricsRegistrationException: app_jobs_total is already defined as a counter with labels (queue), and cannot be a gauge with labels () and mode Last as well: use one definition, or another name
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
ArgumentCountError
TypeError
TypeError
Error
Promshm\Exception\MetricNotFoundException
5
string(0) ""
app_jobs_total{queue="mail"} 1
