--TEST--
Gauge: set, inc, incBy, dec, decBy
--DESCRIPTION--
A gauge goes both ways, below zero too, and takes what a double can hold.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}010
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Gauge;

$g = new Gauge('g', '', ['case']);
$g->set(5.5, ['set']);
$g->inc(['inc']);
$g->inc(['inc']);
$g->incBy(2.5, ['incBy']);
$g->incBy(-1, ['incBy']);
$g->dec(['dec']);
$g->decBy(0.5, ['decBy']);
$g->decBy(-2, ['decBy']);
$g->set(1, ['again']);
$g->set(-3, ['again']);
$g->set(0, ['zero']);
$g->set(INF, ['inf']);
$g->set(-INF, ['-inf']);
$g->set(NAN, ['nan']);
$g->set(7, ['mixed']);
$g->inc(['mixed']);
$g->decBy(3, ['mixed']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
g{case="-inf"} -Inf
g{case="again"} -3
g{case="dec"} -1
g{case="decBy"} 1.5
g{case="inc"} 2
g{case="incBy"} 1.5
g{case="inf"} +Inf
g{case="mixed"} 5
g{case="nan"} NaN
g{case="set"} 5.5
g{case="zero"} 0
