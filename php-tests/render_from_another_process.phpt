--TEST--
A process that counts nothing renders what others counted
--DESCRIPTION--
A web endpoint or a test renders without counting.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}02a
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$child = Child::start(fn () => (new Counter('c_total'))->inc());
show();
echo Segment::status()['series'], " series\n";
$child->finish();
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total 1
1 series
c_total 1
