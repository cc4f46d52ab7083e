--TEST--
After kill -9 counters stay, the sum gauge is removed, and the slot's next owner continues
--DESCRIPTION--
This is what the out-of-memory killer does. The process cannot report its end, so its death is detected through the kernel.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}04a
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment};

$c = new Counter('c_total', '', ['a']);
$h = new Histogram('h', '', [], [1]);
$g = new Gauge('in_flight', '', [], GaugeMode::Sum);
$g->inc();
$work = function () use ($c, $h, $g) {
    $c->incBy(5, ['x']);
    $h->observe(0.5);
    $g->incBy(3);
    echo 'slot ', Segment::status()['slot'], "\n";
};
$first = Child::start($work);
show();
$first->kill();
show();
echo json_encode(Segment::status()['worker_exits']), ' of ', Segment::status()['worker_starts'], "\n";
$second = Child::start($work);
show();
$second->finish();
echo json_encode(Segment::status()['worker_exits']), ' of ', Segment::status()['worker_starts'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
slot 2
c_total{a="x"} 5
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 0.5
h_count 1
in_flight 4
c_total{a="x"} 5
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 0.5
h_count 1
in_flight 1
{"clean":0,"fatal":0,"abrupt":1} of 2
slot 2
c_total{a="x"} 10
h_bucket{le="1.0"} 2
h_bucket{le="+Inf"} 2
h_sum 1
h_count 2
in_flight 4
{"clean":1,"fatal":0,"abrupt":1} of 3
