--TEST--
A gauge that holds NAN can be set again
--DESCRIPTION--
A NAN with a payload marks a gauge that was never set; a script's own NAN must not be mistaken for it, nor be permanent.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}011
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

$modes = [];
foreach (GaugeMode::cases() as $mode) {
    $modes[$mode->value] = new Gauge("g_{$mode->value}", '', [], $mode);
    $modes[$mode->value]->set(NAN);
}
echo preg_replace('/\{pid="\d+"\}/', '{pid}', samples());
foreach ($modes as $gauge) {
    $gauge->set(2);
}
echo preg_replace('/\{pid="\d+"\}/', '{pid}', samples());
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
g_all{pid} NaN
g_last NaN
g_max NaN
g_min NaN
g_sum NaN
g_all{pid} 2
g_last 2
g_max 2
g_min 2
g_sum 2
