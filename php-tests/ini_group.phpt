--TEST--
Segment and semaphores belong to promshm.group
--DESCRIPTION--
The usual way to let an exporter under another user read a 0640 segment.
--EXTENSIONS--
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}03d
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

// Root may use any group; other users only a group they belong to.
$group = posix_geteuid() === 0 ? 65534 : posix_getgid();
$code = '(new Counter("c_total"))->inc(); echo kernel_row("shm")["gid"], " ", kernel_row("sem")["gid"];';
var_dump(run_php($code, ['promshm.group' => $group]) === "$group $group");
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
