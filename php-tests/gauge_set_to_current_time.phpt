--TEST--
Gauge::setToCurrentTime() stores seconds with their fraction
--DESCRIPTION--
"Last successful run" alerts compare it with time(), so it must be Unix seconds.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}012
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Gauge;

$g = new Gauge('g', '', ['case']);
$bound = $g->labels('bound');
$before = microtime(true);
$g->setToCurrentTime(['call']);
$bound->setToCurrentTime();
$after = microtime(true);
foreach (['call', 'bound'] as $case) {
    $value = (float) sample("g{case=\"$case\"}");
    var_dump($before - 0.001 <= $value && $value <= $after + 0.001);
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
