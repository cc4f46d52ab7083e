--TEST--
Forked processes that count at the same time lose no update
--DESCRIPTION--
Exact totals are the product's main promise.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}046
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram};

$c = new Counter('c_total', '', ['worker']);
$all = $c->labels('all');
$h = new Histogram('h', '', [], [10]);
$all->inc();
$pids = [];
for ($n = 0; $n < 6; $n++) {
    $pids[] = $pid = pcntl_fork();
    if ($pid === 0) {
        for ($i = 0; $i < 20000; $i++) {
            $all->inc();
            $c->inc([$n]);
            $h->observe($i % 20);
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
c_total{worker="0"} 20000
c_total{worker="1"} 20000
c_total{worker="2"} 20000
c_total{worker="3"} 20000
c_total{worker="4"} 20000
c_total{worker="5"} 20000
c_total{worker="all"} 120001
h_bucket{le="10.0"} 66000
h_bucket{le="+Inf"} 120000
h_sum 1140000
h_count 120000
