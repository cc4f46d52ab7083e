--TEST--
A segment too short to hold a header is not read past its end
--DESCRIPTION--
Another program's few bytes under our key; the first look at a header would end in a bus error.
--EXTENSIONS--
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}040
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

shmop_write(shmop_open(segment_key(), 'n', 0666, 16), 'sixteen bytes ok', 0);
(new Counter('c_total'))->inc();
(new Counter('c_total'))->inc();
var_dump(Segment::render());
var_dump(Segment::status()['attached']);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
Warning: promshm: %s in %s on line %d
string(0) ""
bool(false)
