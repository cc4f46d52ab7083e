--TEST--
The cache of long label values is bounded
--DESCRIPTION--
A value is cut in the segment, but was kept whole by the process, and so was the room that it was packed in. Clients choose values, and this memory is outside of memory_limit.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}203
promshm.max_series=100
memory_limit=-1
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/memory.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['a']);
$c->inc(['x']);
$before = private_bytes();

// Each value is a separate series with 1,024 bytes in the segment.
for ($i = 0; $i < 50; $i++) {
    $c->inc([str_repeat('x', 1 << 20) . $i]);
}
$value = str_repeat('y', 50 << 20);
$c->inc([$value]);
$c->inc(['a' => $value]);
$c->labels($value)->inc();
unset($value);
$grown = private_bytes() - $before;
echo $grown < 8 << 20 ? "no growth\n" : "grew by $grown bytes\n";
echo Segment::status()['series'], " series\n";
preg_match_all('/a="(y*~[0-9a-f]{32})"\} (\d+)/', Segment::render(), $cut);
var_dump(array_map('strlen', $cut[1]), $cut[2]);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
no growth
52 series
array(1) {
  [0]=>
  int(1024)
}
array(1) {
  [0]=>
  string(1) "3"
}
