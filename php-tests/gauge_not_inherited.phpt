--TEST--
A new process does not continue the gauges of the slot's previous owner
--DESCRIPTION--
Counters continue in place; an in-progress gauge that did the same would count jobs that died with their worker.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}015
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Segment};

(new Gauge('own', '', [], GaugeMode::Sum))->set(100);
$gauge = new Gauge('in_flight', '', ['q'], GaugeMode::Sum);
$counter = new Counter('c_total');
$first = Child::start(function () use ($gauge, $counter) {
    $gauge->incBy(7, ['x']);
    $counter->inc();
    echo 'slot ', Segment::status()['slot'], "\n";
});
$gauge->inc(['x']);
show();
$first->kill();
$second = Child::start(function () use ($gauge, $counter) {
    $counter->inc();
    echo 'slot ', Segment::status()['slot'], "\n";
}, fn () => $gauge->incBy(3, ['x']));
show();
$second->step();
show();
$second->finish();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
slot 2
c_total 1
in_flight{q="x"} 8
own 100
slot 2
c_total 2
in_flight{q="x"} 1
own 100
c_total 2
in_flight{q="x"} 4
own 100
