--TEST--
trackInProgress() does not subtract from a series that was removed in between
--DESCRIPTION--
The series may be removed, set or wiped while the function runs; subtracting then would leave −1 for ever.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e5
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode, Segment};

$of = fn (string $name) => sample($name) ?? sample("{$name}{pid=\"" . getmypid() . '"}') ?? 'none';
foreach (GaugeMode::cases() as $mode) {
    $name = "g_{$mode->value}";
    $g = new Gauge($name, '', [], $mode);
    $told = [$mode->value . ':'];
    $g->trackInProgress(fn () => $g->remove());
    $told[] = $of($name);
    $g->trackInProgress(function () use ($g) {
        $g->remove();
        $g->set(7);
    });
    $told[] = $of($name);
    $g->trackInProgress(function () use ($g) {
        $g->set(10);
        $g->trackInProgress(fn () => null);
    });
    $told[] = $of($name);
    $g->trackInProgress(fn () => Segment::wipe());
    $told[] = $of($name);
    $g->trackInProgress(function () use ($g, $name, $mode) {
        Segment::wipe();
        (new Gauge($name, '', [], $mode))->inc();
    });
    $told[] = $of($name);
    $g->trackInProgress(function () use (&$told, $of, $name) {
        $told[] = $of($name);
    });
    $told[] = $of($name);
    echo implode(' ', $told), "\n";
    Segment::wipe();
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
last: none 7 9 none 1 2 1
sum: none 7 9 none 1 2 1
min: none 7 9 none 1 2 1
max: none 7 9 none 1 2 1
all: none 7 9 none 1 2 1
