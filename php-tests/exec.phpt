--TEST--
A process that calls exec keeps counting under the same process id
--DESCRIPTION--
The kernel keeps SEM_UNDO adjustments across exec; the new program must continue to count exactly.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}04d
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$next = 'require "' . __DIR__ . '/common.inc"; (new Promshm\Counter("c_total"))->incBy(10); show();';
$command = 'exec ' . php_command() . ' -r ' . escapeshellarg($next);
echo run_php('(new Counter("c_total"))->inc(); pcntl_exec("/bin/sh", ["-c", ' . var_export($command, true) . ']);');
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total 11
c_total 11
