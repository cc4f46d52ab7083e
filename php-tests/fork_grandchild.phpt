--TEST--
A grandchild keeps counting after its parent has exited
--DESCRIPTION--
Daemons fork twice, and the first two processes exit while the daemon runs.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}048
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total');
$c->inc();
[$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
if (($pid = pcntl_fork()) === 0) {
    $c->inc();
    if (pcntl_fork() === 0) {
        posix_setsid();
        fgets($theirs);
        $c->incBy(5);
        fwrite($theirs, "done\n");
    }
    exit(0);
}
pcntl_waitpid($pid, $status);
fwrite($ours, "go\n");
fgets($ours);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total 7
