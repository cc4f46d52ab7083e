--TEST--
An update accepts an exemplar in every call form
--DESCRIPTION--
The update counts whether its exemplar is stored or not; the text format does not show exemplars.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0c0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram, Segment};

$c = new Counter('c_total', '', ['a']);
$h = new Histogram('h', '', ['a'], [1]);
$plain = new Counter('plain_total');
$bound = $c->labels('x');
$id = 'abc';
for ($i = 0; $i < 3; $i++) {
    $c->inc(['x'], ['trace_id' => $id]);
    $c->inc(['x'], exemplar: ['trace_id' => 'literal', 'span_id' => 7]);
    $c->incBy(2, ['a' => 'x'], ['trace_id' => "$id$i"]);
    $bound->inc([], ['trace_id' => $id]);
    $bound->inc(exemplar: ['trace_id' => $id]);
    $bound->incBy(0.5, exemplar: ['trace_id' => &$id]);
    $plain->inc(exemplar: ['trace_id' => str_repeat('€', 120)]);
    $h->observe(0.5, ['x'], ['trace_id' => $id]);
    $h->labels('x')->observe(2, exemplar: ['n' => PHP_INT_MIN]);
    call_user_func([$h, 'observe'], 2, ['x'], []);
    $c->inc(['x'], null);
    $c->incBy(1, ['x'], null);
    $h->observe(1, ['x'], null);
}
show();
echo Segment::status()['dropped']['exemplar'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="x"} 25.5
h_bucket{a="x",le="1.0"} 6
h_bucket{a="x",le="+Inf"} 12
h_sum{a="x"} 16.5
h_count{a="x"} 12
plain_total 3
0
