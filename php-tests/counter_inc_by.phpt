--TEST--
Counter::incBy() takes ints and floats, and adds them exactly
--DESCRIPTION--
Some clients store int(value x 1000) and lose digits; this one keeps every bit of a double.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}002
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['case']);
$c->incBy(3, ['int']);
$c->incBy(0.5, ['float']);
$c->incBy(0.25, ['float']);
$c->incBy(0, ['zero']);
$c->incBy(9007199254740991, ['big']);
$c->incBy(1, ['big']);
$c->incBy(0.1, ['tenths']);
$c->incBy(0.2, ['tenths']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{case="big"} 9007199254740992
c_total{case="float"} 0.75
c_total{case="int"} 3
c_total{case="tenths"} 0.30000000000000004
c_total{case="zero"} 0
