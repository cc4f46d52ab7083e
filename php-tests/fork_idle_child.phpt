--TEST--
A child that counts nothing leaves its parent's slot alone when it ends
--DESCRIPTION--
The child runs the module's shutdown too; it must not record a clean exit for its parent.
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
