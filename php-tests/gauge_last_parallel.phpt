--TEST--
Processes that add to one last gauge at the same time lose no update
--DESCRIPTION--
gauge_last_shared takes turns, so a lost update could hide; here they race.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}017
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Gauge;

$g = new Gauge('g');
$g->set(0);
$pids = [];
for ($n = 0; $n < 4; $n++) {
    $pids[] = $pid = pcntl_fork();
    if ($pid === 0) {
        for ($i = 0; $i < 20000; $i++) {
            $g->inc();
        }
        exit(0);
    }
}
foreach ($pids as $pid) {
    pcntl_waitpid($pid, $status);
}
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
g 80000
