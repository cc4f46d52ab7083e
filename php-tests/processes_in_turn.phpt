--TEST--
Successive processes continue one slot
--DESCRIPTION--
Memory depends on the processes that live at once, not on all that ever lived.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}04c
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram, Segment};

$code = '(new Counter("c_total", "", ["a"]))->inc(["x"]); (new Histogram("h"))->observe(1);'
    . 'echo json_encode(array_intersect_key(Segment::status(), ["slot" => 1, "used_bytes" => 1]));';
$seen = [];
for ($i = 0; $i < 10; $i++) {
    $seen[] = run_php($code);
}
echo count(array_unique($seen)) === 1 ? "always the same slot and size\n" : implode("\n", $seen) . "\n";
echo sample('c_total{a="x"}'), ' ', sample('h_count'), "\n";
echo json_encode(Segment::status()['worker_exits']), ' of ', Segment::status()['worker_starts'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
always the same slot and size
10 10
{"clean":10,"fatal":0,"abrupt":0} of 10
