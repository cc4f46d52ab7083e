--TEST--
A metric that has promshm.max_series_per_metric series counts further label values together
--DESCRIPTION--
One label with too many values must not take the room of all other metrics, and no update may be lost.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}7b1
promshm.max_series_per_metric=2
promshm.overflow_label=the rest
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram, Segment, Summary};

$c = new Counter('c_total', '', ['a', 'b']);
foreach (['a', 'b', 'c', 'd', 'c', 'a'] as $value) {
    $c->inc([$value, 1]);
}
$handle = $c->labels('e', 2);
$handle->incBy(5);
$g = new Gauge('g', '', ['a']);
foreach (['a', 'b', 'c', 'd'] as $at => $value) {
    $g->set($at, [$value]);
}
$h = new Histogram('h', '', ['a'], [1]);
foreach (['a', 'b', 'c', 'd'] as $value) {
    $h->observe(0.5, [$value]);
}
$s = new Summary('s', '', ['a'], 600, [0.5]);
foreach (['a', 'b', 'c', 'd'] as $value) {
    $s->observe(3, [$value]);
}
(new Counter('plain_total'))->inc();
show();
echo json_encode(Segment::status()['overflows']), "\n";
echo array_sum(Segment::status()['dropped']), " dropped\n";

echo "a removal makes room:\n";
$c->remove(['a', 1]);
$handle->inc();
echo implode("\n", preg_grep('/^c_total/', explode("\n", samples()))), "\n";

echo "another process has the same room:\n";
echo run_php('(new Promshm\Counter("c_total", "", ["a", "b"]))->inc(["z", 1]); (new Promshm\Counter("n_total", "", ["a"]))->inc(["z"]);',
    ['promshm.max_series_per_metric' => '2', 'promshm.overflow_label' => 'the rest']);
echo implode("\n", preg_grep('/^[cn]_total/', explode("\n", samples()))), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="a",b="1"} 2
c_total{a="b",b="1"} 1
c_total{a="the rest",b="the rest"} 8
g{a="a"} 0
g{a="b"} 1
g{a="the rest"} 3
h_bucket{a="a",le="1.0"} 1
h_bucket{a="a",le="+Inf"} 1
h_sum{a="a"} 0.5
h_count{a="a"} 1
h_bucket{a="b",le="1.0"} 1
h_bucket{a="b",le="+Inf"} 1
h_sum{a="b"} 0.5
h_count{a="b"} 1
h_bucket{a="the rest",le="1.0"} 2
h_bucket{a="the rest",le="+Inf"} 2
h_sum{a="the rest"} 1
h_count{a="the rest"} 2
plain_total 1
s{a="a",quantile="0.5"} 3
s_sum{a="a"} 3
s_count{a="a"} 1
s{a="b",quantile="0.5"} 3
s_sum{a="b"} 3
s_count{a="b"} 1
s{a="the rest",quantile="0.5"} 3
s_sum{a="the rest"} 6
s_count{a="the rest"} 2
{"c_total":3,"g":2,"h":2,"s":2}
0 dropped
a removal makes room:
c_total{a="b",b="1"} 1
c_total{a="e",b="2"} 1
c_total{a="the rest",b="the rest"} 8
another process has the same room:
c_total{a="b",b="1"} 1
c_total{a="e",b="2"} 1
c_total{a="the rest",b="the rest"} 9
n_total{a="z"} 1
