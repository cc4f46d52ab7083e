--TEST--
The first metric that loses updates is named in the log, with the cause and the remedy, once for each reason
--DESCRIPTION--
promshm_dropped_total tells how many updates are lost and why, but not which code made them. No page shows it.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}6a7
promshm.max_series=3
promshm.size=1M
--FILE--
<?php
require __DIR__ . '/common.inc';

$log = __DIR__ . '/drop_logged.tmp';
$logging = ['log_errors' => '1', 'error_log' => $log, 'display_errors' => '1'];
/** Runs code in another process, and prints what it said and logged. */
function logged(string $code, array $settings = []): void
{
    global $log, $logging;
    echo run_php($code, $settings + $logging), preg_replace('/^\[.*?\] /m', '', (string) @file_get_contents($log)), "--\n";
    @unlink($log);
}

logged('$c = new Counter("jobs_total", "", ["n"]); foreach (range(1, 9) as $n) { $c->inc([$n]); } (new Gauge("depth"))->set(1);');
logged('(new Counter("jobs_total", "", ["n"]))->inc([1]);');
logged('(new Histogram("late_seconds"))->observe(1);');
remove_segment();
logged('foreach ([1, 2] as $n) { (new Histogram("many_seconds_$n", "", [], range(1, 2000)))->observe(1); }');
remove_segment();
$code = '$c = new Counter("long_total", "", ["n"]); foreach (range(1, 2000) as $n) { $c->inc([str_repeat("x", 900) . $n]); }';
logged($code, ['promshm.max_series' => '2000', 'promshm.max_series_per_metric' => '100%', 'promshm.size' => '2M', 'promshm.max_processes' => '4']);
?>
--CLEAN--
<?php
require __DIR__ . '/clean.inc';
@unlink(__DIR__ . '/drop_logged.tmp');
?>
--EXPECT--
promshm: updates of jobs_total are dropped: promshm.max_series series exist: look for labels with ever new values, or raise promshm.max_series (logged once for each reason; promshm_dropped_total counts all)
--
--
promshm: updates of late_seconds are dropped: promshm.max_series series exist: look for labels with ever new values, or raise promshm.max_series (logged once for each reason; promshm_dropped_total counts all)
--
promshm: updates of many_seconds_1 are dropped: it has more buckets than fit a page: give it fewer (logged once for each reason; promshm_dropped_total counts all)
--
promshm: updates of long_total are dropped: the segment is full: raise promshm.size (logged once for each reason; promshm_dropped_total counts all)
--
