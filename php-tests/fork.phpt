--TEST--
A forked child gets a slot of its own, and the parent keeps its slot
--DESCRIPTION--
Both hold the same mapping after fork. Writing into one slot from two processes would lose updates.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}045
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['a']);
$bound = $c->labels('x');
$bound->inc();
$parent = Segment::status()['slot'];
$child = Child::start(function () use ($c, $bound, $parent) {
    $bound->incBy(10);
    $c->incBy(10, ['x']);
    $slot = Segment::status()['slot'];
    echo $slot > 0 && $slot !== $parent ? "own slot\n" : "slot $slot beside $parent\n";
});
$bound->inc();
show();
echo $child->finish(), "\n";
$bound->inc();
var_dump(Segment::status()['slot'] === $parent);
show();
echo json_encode(Segment::status()['worker_exits']), ' of ', Segment::status()['worker_starts'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
own slot
c_total{a="x"} 22
0
bool(true)
c_total{a="x"} 23
{"clean":1,"fatal":0,"abrupt":0} of 2
