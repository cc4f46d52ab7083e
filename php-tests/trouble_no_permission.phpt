--TEST--
A segment without permission to open gives one warning that names the mend
--DESCRIPTION--
Root starts the first worker, a plain user the next: the most frequent mistake during setup.
--EXTENSIONS--
shmop
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}041
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

// Root may open any segment, so the test then continues as another user. Other users create a segment that they
// may not open themselves, which PHP warns of.
@shmop_open(segment_key(), 'n', 0000, 1 << 20);
if (posix_geteuid() === 0) {
    posix_setgid(65534);
    posix_setuid(65534);
}
$c = new Counter('c_total');
$c->inc();
$c->inc();
var_dump(Segment::render());
var_dump(Segment::status()['attached'], is_string(Segment::status()['error']));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
Warning: promshm: %s in %s on line %d
string(0) ""
bool(false)
bool(true)
