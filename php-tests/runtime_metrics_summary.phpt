--TEST--
A worker that does nothing but observe summaries tells of itself, too
--DESCRIPTION--
It is done now and then by updates, whichever kind they are of.
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
6 after it
