--TEST--
A worker publishes its memory, processor time, collector runs, requests and start time
--DESCRIPTION--
Numbers of the right size, published by an update within about a second, in a busy loop and with slow calls.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0c4
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment};

function of_me(string $name): ?float
{
    return told()['php_worker_' . $name . '{pid="' . getmypid() . '"}'] ?? null;
}
$c = new Counter('c_total');
$h = new Histogram('h');
$g = new Gauge('g', '', [], GaugeMode::Sum);
echo count(told()), " before the first update\n";
$c->inc();
echo count(told()), " after it\n";
var_dump(of_me('memory_bytes') === (float) memory_get_usage(true));
var_dump(of_me('memory_peak_bytes') === (float) memory_get_peak_usage(true));
var_dump(of_me('requests_total'), of_me('gc_runs_total'));
var_dump(abs(of_me('start_time_seconds') - $_SERVER['REQUEST_TIME_FLOAT']) < 60);
$cpu = of_me('cpu_seconds_total');
$spent = getrusage();
$spent = $spent['ru_utime.tv_sec'] + $spent['ru_stime.tv_sec'] + ($spent['ru_utime.tv_usec'] + $spent['ru_stime.tv_usec']) / 1e6;
var_dump($cpu > 0 && $cpu <= $spent);

$ballast = str_repeat('x', 32 << 20);
$many = function (callable $update): void {
    for ($i = 0; $i < 100_000; $i++) {
        $update();
    }
};
echo 'busy: ', until(fn () => of_me('memory_bytes') > 32 << 20, fn () => $many(fn () => $c->inc())) ? "told\n" : "NOT TOLD\n";
var_dump(of_me('cpu_seconds_total') > $cpu);
unset($ballast);
// The pauses are part of the test: rare calls publish as well.
echo 'slow: ', until(fn () => of_me('memory_bytes') < 32 << 20, fn () => usleep(100_000) ?: $h->observe(1)) ? "told\n" : "NOT TOLD\n";
var_dump(of_me('memory_peak_bytes') > 32 << 20);
gc_collect_cycles();
$circle = new stdClass();
$circle->self = $circle;
unset($circle);
gc_collect_cycles();
$runs = gc_status()['runs'];
echo $runs > 0 ? 'collected: ' : 'NO RUN: ', until(fn () => of_me('gc_runs_total') === (float) $runs, fn () => usleep(100_000) ?: $g->set(1)) ? "told\n" : "NOT TOLD\n";
echo count(told()), " series\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
0 before the first update
7 after it
bool(true)
bool(true)
float(1)
float(0)
bool(true)
bool(true)
busy: told
bool(true)
slow: told
bool(true)
collected: told
7 series
