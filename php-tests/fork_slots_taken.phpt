--TEST--
A process without a free slot counts exactly in the shared slot
--DESCRIPTION--
promshm.max_processes may be too small for a burst; calls then become a little slower, and totals stay exact.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}049
promshm.max_processes=1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram, Segment};

$c = new Counter('c_total');
$h = new Histogram('h', '', [], [1]);
$c->inc();
$pids = [];
for ($n = 0; $n < 4; $n++) {
    $pids[] = $pid = pcntl_fork();
    if ($pid === 0) {
        for ($i = 0; $i < 10000; $i++) {
            $c->inc();
            $h->observe(1);
        }
        exit(Segment::status()['slot']);
    }
}
foreach ($pids as $pid) {
    pcntl_waitpid($pid, $status);
    echo 'slot ', pcntl_wexitstatus($status), "\n";
}
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
slot 0
slot 0
slot 0
slot 0
c_total 40001
h_bucket{le="1.0"} 40000
h_bucket{le="+Inf"} 40000
h_sum 40000
h_count 40000
