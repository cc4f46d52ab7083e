--TEST--
remove() reaches every process, and later updates of the others are kept
--DESCRIPTION--
Other processes hold the series' address; they must look it up again at their next call.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}025
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['a']);
$bound = $c->labels('x');
$other = Child::start(
    fn () => $bound->incBy(10),
    fn () => $bound->inc(),
    fn () => $c->inc(['x']),
);
$bound->incBy(5);
show();
var_dump($c->remove(['x']));
echo '[', samples(), "]\n";
$other->step();
show();
$bound->inc();
$other->step();
show();
$other->finish();
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="x"} 15
bool(true)
[]
c_total{a="x"} 1
c_total{a="x"} 3
c_total{a="x"} 3
