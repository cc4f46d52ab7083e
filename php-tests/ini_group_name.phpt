--TEST--
promshm.group accepts a group name
--DESCRIPTION--
Numbers differ from image to image, names do not.
--EXTENSIONS--
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}051
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$group = posix_geteuid() === 0 ? 'daemon' : posix_getgrgid(posix_getgid())['name'];
$code = '(new Counter("c_total"))->inc(); echo kernel_row("shm")["gid"], " ", kernel_row("sem")["gid"];';
$gid = posix_getgrnam($group)['gid'];
var_dump(run_php($code, ['promshm.group' => $group]) === "$gid $gid");
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
