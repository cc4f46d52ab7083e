--TEST--
With GaugeMode among disable_classes, constructing a gauge throws
--DESCRIPTION--
disable_classes removes the properties of the class, so code that reads or makes a case of the enum must not use them.
--SKIPIF--
<?php if (PHP_VERSION_ID >= 80500) die('skip disable_classes is gone'); ?>
--INI--
disable_classes=Promshm\GaugeMode
promshm.segment=sysv:0x${PROMSHM_RUN}5e2
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

attempt(fn () => new Gauge('g', '', [], GaugeMode::Sum), 'GaugeMode', 'disable_classes');
$cases = [];
for ($i = 0; $i < 100; $i++) {
    $cases[] = [GaugeMode::Last, GaugeMode::Sum, GaugeMode::Min, GaugeMode::Max, GaugeMode::All, str_repeat('x', $i)];
}
attempt(fn () => new Gauge('g', '', [], $cases[5][4]), 'disable_classes');
attempt(fn () => new Gauge('g', '', [], 'sum'));
$g = new Gauge('g');
$g->set(3);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
TypeError
g 3
