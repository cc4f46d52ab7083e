--TEST--
Gauge modes over several processes: sum, min, max, last and one series for each process
--DESCRIPTION--
The mode decides what a scrape shows while all processes live, and what remains when one has exited.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}014
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

function gauges(): array
{
    $gauges = [];
    foreach (GaugeMode::cases() as $mode) {
        $gauges[] = new Gauge("g_{$mode->value}", '', [], $mode);
    }
    return $gauges;
}
function set_all(float $value): void
{
    foreach (gauges() as $gauge) {
        $gauge->set($value);
    }
}
function show_gauges(array $names): void
{
    $lines = explode("\n", trim(strtr(samples(), $names)));
    sort($lines);
    echo implode("\n", $lines), "\n\n";
}
set_all(5);
$two = Child::start(fn () => set_all(2));
$nine = Child::start(fn () => set_all(9));
$names = [getmypid() => 'parent', $two->pid => 'two', $nine->pid => 'nine'];
show_gauges($names);
$nine->finish();
show_gauges($names);
$two->kill();
show_gauges($names);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
g_all{pid="nine"} 9
g_all{pid="parent"} 5
g_all{pid="two"} 2
g_last 9
g_max 9
g_min 2
g_sum 16

g_all{pid="parent"} 5
g_all{pid="two"} 2
g_last 9
g_max 5
g_min 2
g_sum 7

g_all{pid="parent"} 5
g_last 9
g_max 5
g_min 5
g_sum 5
