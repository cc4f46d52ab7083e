--TEST--
Memory of another program under our key gives one warning, and is not overwritten
--DESCRIPTION--
Another program may use the same key. Metrics then do nothing, and that program's bytes stay as they are.
--EXTENSIONS--
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}03f
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram, Segment};

$foreign = shmop_open(segment_key(), 'n', 0666, 1 << 20);
shmop_write($foreign, str_repeat('not promshm ', 1000), 0);
$before = md5(shmop_read($foreign, 0, 1 << 20));
ob_start();
$c = new Counter('c_total', '', ['a']);
$c->inc(['x']);
$c->inc(['x']);
$c->labels('x')->incBy(2);
(new Gauge('g'))->set(1);
(new Histogram('h'))->observe(1);
$removed = $c->remove(['x']);
$page = Segment::render();
$printed = ob_get_clean();
var_dump($removed, $page);
echo preg_match_all('/^Warning: promshm: .*$/m', $printed, $warnings), " warning\n";
var_dump(str_contains($printed, ini_get('promshm.segment')), str_contains($printed, 'promshm.segment'));
$status = Segment::status();
var_dump($status['enabled'], $status['attached'], is_string($status['error']), $status['unstored_updates']);
var_dump(md5(shmop_read($foreign, 0, 1 << 20)) === $before);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(false)
string(0) ""
1 warning
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
int(5)
bool(true)
