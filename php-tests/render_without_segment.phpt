--TEST--
render() and status() do not create the segment
--DESCRIPTION--
A status page must not decide size and owner of what the workers will use.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}029
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Segment};

var_dump(Segment::render());
$status = Segment::status();
var_dump($status['enabled'], $status['attached'], $status['slot'], $status['series'], $status['error']);
new Counter('c_total', '', ['a']);
(new Gauge('g', '', ['a']))->labels('x');
var_dump(Segment::status()['attached']);
var_dump(kernel_row('shm'), kernel_row('sem'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
string(0) ""
bool(true)
bool(false)
NULL
int(0)
NULL
bool(false)
NULL
NULL
