--TEST--
Segment and semaphores have the mode promshm.mode, independent of the umask
--DESCRIPTION--
An exporter under another user reads them; a permission lost to a umask would show as an empty scrape.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}03c
promshm.mode=0644
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

umask(0077);
(new Counter('c_total'))->inc();
echo kernel_row('shm')['perms'], ' ', kernel_row('sem')['perms'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
%r[0-9]*644 [0-9]*644%r
