--TEST--
A worker that only observes summaries publishes its process metrics
--DESCRIPTION--
Updates of every metric type must run the periodic work.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0f4
--FILE--
<?php
require __DIR__ . '/common.inc';

$s = new Promshm\Summary('s');
echo count(told()), " before the first update\n";
$s->observe(1);
echo count(told()), " after it\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
0 before the first update
7 after it
