--TEST--
GaugeMode is a backed enum
--DESCRIPTION--
Configuration files name modes as text; from() and tryFrom() read them.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}037
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

foreach (GaugeMode::cases() as $mode) {
    echo $mode->name, ' = ', $mode->value, "\n";
}
var_dump(GaugeMode::from('sum') === GaugeMode::Sum, GaugeMode::tryFrom('nonsense'));
(new Gauge('g', '', [], GaugeMode::from('max')))->set(1);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Last = last
Sum = sum
Min = min
Max = max
All = all
bool(true)
NULL
g 1
