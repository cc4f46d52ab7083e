--TEST--
An invalid exemplar is dropped and counted without a warning
--DESCRIPTION--
An exemplar that is too long must affect neither the request nor the count.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0c1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram, Segment};

set_error_handler(fn (int $kind, string $message) => print("$message\n"));
$bad = [
    'a list' => ['abc'],
    'a list with a gap' => array_filter(['x', 'y', 'z'], fn (string $value) => $value !== 'y'),
    'a number as name' => ['trace_id' => 'abc', 7 => 'x'],
    'no name' => ['' => 'x'],
    'a name with a dash' => ['trace-id' => 'x'],
    'a name with a colon' => ['trace:id' => 'x'],
    'a name that is reserved' => ['__trace' => 'x'],
    'a name that is not UTF-8' => ["trace\xff" => 'x'],
    'a value that is not UTF-8' => ['trace_id' => "x\xff"],
    'a value with a NUL byte' => ['trace_id' => "abc\0def"],
    'a fraction' => ['trace_id' => 1.5],
    'a bool' => ['trace_id' => true],
    'null' => ['trace_id' => null],
    'an array' => ['trace_id' => ['x']],
    'an object' => ['trace_id' => new ArrayObject()],
    '129 characters' => ['trace_id' => str_repeat('x', 121)],
    '129 characters in two' => ['trace_id' => str_repeat('€', 60), 'span_id' => str_repeat('€', 54)],
    'a megabyte' => ['trace_id' => str_repeat('x', 1 << 20)],
];
$c = new Counter('c_total');
$h = new Histogram('h', '', [], [1]);
foreach ($bad as $what => $exemplar) {
    $before = Segment::status()['dropped']['exemplar'];
    $c->inc([], $exemplar);
    $c->incBy(2, exemplar: $exemplar);
    $h->observe(0.5, exemplar: $exemplar);
    $dropped = Segment::status()['dropped']['exemplar'] - $before;
    echo $dropped === 3 ? '' : "$what: $dropped dropped\n";
}
$c->inc([], ['trace_id' => str_repeat('x', 120)]);
$c->inc([], ['trace_id' => "all others \t\r\n\x01\x1f\x7f\" \\ \u{2028}\u{FEFF}"]);
$c->inc([], ['trace_id' => str_repeat('€', 60), 'span_id' => str_repeat('€', 53)]);
echo count($bad), " bad ones\n";
show();
echo json_encode(Segment::status()['dropped']), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
18 bad ones
c_total 57
h_bucket{le="1.0"} 18
h_bucket{le="+Inf"} 18
h_sum 9
h_count 18
{"series_limit":0,"segment_full":0,"too_many_buckets":0,"corrupt":0,"summary_sample":0,"exemplar":54}
