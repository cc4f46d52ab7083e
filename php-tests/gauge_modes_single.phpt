--TEST--
In one process every gauge mode shows its value
--DESCRIPTION--
The mode only matters once there are several processes; alone, all must behave alike.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}013
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

foreach (GaugeMode::cases() as $mode) {
    $g = new Gauge("g_{$mode->value}", '', [], $mode);
    $g->set(3);
    $g->inc();
    $g->decBy(0.5);
}
echo preg_replace('/\{pid="' . getmypid() . '"\}/', '{pid}', samples());
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
g_all{pid} 3.5
g_last 3.5
g_max 3.5
g_min 3.5
g_sum 3.5
