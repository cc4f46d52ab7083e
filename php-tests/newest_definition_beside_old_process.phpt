--TEST--
A worker with the old definition keeps counting beside one with the new definition
--DESCRIPTION--
During a rolling deploy both run. Updates by the old definition are not shown and do not affect the new one.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}023
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$old = Child::start(
    fn () => (new Counter('c_total', '', ['a']))->inc(['old']),
    fn () => (new Counter('c_total', '', ['a']))->inc(['old']),
    fn () => (new Counter('fine_total'))->inc(),
);
show();
(new Counter('c_total', '', ['b']))->inc(['new']);
show();
$old->step();
show();
$old->step();
(new Counter('c_total', '', ['b']))->inc(['new']);
show();
$old->finish();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="old"} 1
c_total{b="new"} 1
c_total{b="new"} 1
c_total{b="new"} 2
fine_total 1
