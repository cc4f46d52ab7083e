--TEST--
promshm.native_histograms=1 records every Histogram in both forms, and its classic form is what it was
--DESCRIPTION--
A team moves to native histograms without touching code: its dashboards must see the very numbers as before, from whatever way a value is observed.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}9a4
promshm.native_histograms=1
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Histogram};

$h = new Histogram('h', '', ['path'], [-1, 1, 2.5, 5]);
foreach ([-2, -1, -0.5, 0, 0.5, 1, 1.000001, 2.5, 3, 5, 6, 1e9, INF, NAN] as $value) {
    $h->observe($value, ['/']);
}
$bound = $h->labels('/bound');
$bound->observe(2.5);
Child::start(fn () => $bound->observe(2.6))->kill();
$registry = new CollectorRegistry(null, false, ['app' => 'a']);
$registry->getOrRegisterHistogram('', 'r', '', [], [1])->observe(0.5, [], ['trace_id' => 'abc']);
$registry->getHistogram('', 'r')->observe(0.7, [], ['trace_id' => 'later']);
$timed = new Histogram('timed');
$timed->time(fn () => 0);
$timed->startTimer()->observeDuration();
$many = new Histogram('many', '', [], Histogram::linearBuckets(1, 1, 510)); // no room for a native form
$many->observe(300.5);
echo preg_replace('/^(timed_|many_bucket).*\n/m', '', samples());
echo sample('timed_count'), ' ', sample('many_bucket{le="300.0"}'), ' ', sample('many_bucket{le="301.0"}'), "\n";
$off = '(new Histogram("h", "", ["path"], [-1, 1, 2.5, 5]))->observe(1, ["/off"]); preg_match_all("/^h_.*\n/m", samples(), $found);';
echo run_php($off . ' echo implode($found[0]);', ['promshm.native_histograms' => '0']);
attempt(fn () => new Promshm\NativeHistogram('h', '', ['path']), 'and a native form');
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
h_bucket{path="/",le="-1.0"} 2
h_bucket{path="/",le="1.0"} 6
h_bucket{path="/",le="2.5"} 8
h_bucket{path="/",le="5.0"} 10
h_bucket{path="/",le="+Inf"} 14
h_sum{path="/"} NaN
h_count{path="/"} 14
h_bucket{path="/bound",le="-1.0"} 0
h_bucket{path="/bound",le="1.0"} 0
h_bucket{path="/bound",le="2.5"} 1
h_bucket{path="/bound",le="5.0"} 2
h_bucket{path="/bound",le="+Inf"} 2
h_sum{path="/bound"} 5.1
h_count{path="/bound"} 2
many_sum 300.5
many_count 1
r_bucket{app="a",le="1.0"} 2
r_bucket{app="a",le="+Inf"} 2
r_sum{app="a"} 1.2
r_count{app="a"} 2
2 0 1
h_bucket{path="/off",le="-1.0"} 0
h_bucket{path="/off",le="1.0"} 1
h_bucket{path="/off",le="2.5"} 1
h_bucket{path="/off",le="5.0"} 1
h_bucket{path="/off",le="+Inf"} 1
h_sum{path="/off"} 1
h_count{path="/off"} 1
Promshm\Exception\MetricsRegistrationException
