--TEST--
A child that counts nothing does not change its parent's slot at exit
--DESCRIPTION--
The child also runs the module's shutdown, which must not mark its parent's slot as a clean exit.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}047
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Segment};

$c = new Counter('c_total');
$g = new Gauge('g', '', [], GaugeMode::Sum);
$g->set(5);
$c->inc();
$before = Segment::status()['slot'];
Child::start(fn () => 0)->finish();
$c->inc();
var_dump(Segment::status()['slot'] === $before);
show();
echo json_encode(Segment::status()['worker_exits']), ' of ', Segment::status()['worker_starts'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
c_total 2
g 5
{"clean":0,"fatal":0,"abrupt":0} of 1
