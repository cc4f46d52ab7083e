--TEST--
A wipe reaches attached processes
--DESCRIPTION--
They map the old segment; the next call must detect that, attach again and lose nothing.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}027
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['a']);
$bound = $c->labels('x');
$other = Child::start(fn () => $bound->incBy(10), fn () => $bound->inc(), fn () => $c->inc(['x']));
$bound->incBy(5);
echo run_php('Segment::wipe(); echo "[", samples(), "]\n";');
$other->step();
show();
$bound->inc();
show();
$other->step();
show();
echo $other->finish(), "\n";
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
[]
c_total{a="x"} 1
c_total{a="x"} 2
c_total{a="x"} 3
0
c_total{a="x"} 3
