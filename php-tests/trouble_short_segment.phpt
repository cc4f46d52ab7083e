--TEST--
A segment shorter than a header is not read past its end
--DESCRIPTION--
A segment of another program may be shorter than a header; reading the whole header would raise SIGBUS.
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
