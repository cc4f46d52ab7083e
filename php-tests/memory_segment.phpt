--TEST--
promshm.segment=memory: keeps everything in the process and its forked children
--DESCRIPTION--
Tests of applications need no cleaning up and must not meet each other. Counts of forked children are seen.
--SKIPIF--
<?php if (!extension_loaded('pcntl')) die('skip needs pcntl'); ?>
--INI--
promshm.segment=memory:
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment, Summary};

$c = new Counter('c_total', '', ['who']);
$c->inc(['parent']);
$g = new Gauge('g');
$g->set(3);
$sum = new Gauge('sum', '', [], GaugeMode::Sum);
$sum->inc();
(new Histogram('h', '', [], [1]))->observe(0.5);
(new Summary('s', '', [], 600, [0.5]))->observe(2);
if (($pid = pcntl_fork()) === 0) {
    $c->inc(['child']);
    $c->inc(['parent']);
    $sum->inc();
    exit(0);
}
pcntl_waitpid($pid, $status);
show();
$status = Segment::status();
echo $status['segment'], ' ', $status['attached'] ? 'attached' : 'NOT ATTACHED', ' ', json_encode($status['error']), "\n";
echo "another process has its own:\n", run_php('echo Promshm\Segment::render(), json_encode(Promshm\Segment::status()["error"]);'), "\n";
echo "wiped:\n";
Segment::wipe();
show();
$c->inc(['parent']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{who="child"} 1
c_total{who="parent"} 2
g 3
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 0.5
h_count 1
s{quantile="0.5"} 2
s_sum 2
s_count 1
sum 2
memory: attached null
another process has its own:
null
wiped:
c_total{who="parent"} 1
