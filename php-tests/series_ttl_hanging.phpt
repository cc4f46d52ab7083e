--TEST--
Gauges of a process that lives and hangs are hidden after promshm.series_ttl, and return when it goes on
--DESCRIPTION--
A program that measures queues in a loop may hang in a call that never returns: its last numbers must not be taken for those of now.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0d8
promshm.series_ttl=1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

$look = function (): void {
    foreach (GaugeMode::cases() as $mode) {
        (new Gauge(strtolower($mode->name), '', [], $mode))->set(7);
    }
};
/** Which gauges are shown, whoever has set them. */
$shown = fn (): string => implode(' ', array_unique(preg_match_all('/^(\w+)(?:\{.*)? 7$/m', samples(), $found) ? $found[1] : []));
$are_shown = fn (string $wanted): Closure => fn (): bool => $shown() === $wanted;
$all = 'all last max min sum';
$watch = Child::start(...array_fill(0, 100_000, $look));
echo 'looks: ', until($are_shown($all), $watch->step(...)) ? "shown\n" : "HIDDEN\n";
echo 'hangs: ', until($are_shown(''), fn () => usleep(20_000)) ? "hidden\n" : "SHOWN\n";
echo posix_kill($watch->pid, 0) ? "lives\n" : "IS DEAD\n";
echo 'looks again: ', until($are_shown($all), $watch->step(...)) ? "shown\n" : "HIDDEN\n";
$watch->kill();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
looks: shown
hangs: hidden
lives
looks again: shown
