--TEST--
Updates above promshm.max_series are dropped and counted without a warning
--DESCRIPTION--
A label with too many values must cause counted drops and no failed request; existing series continue.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}02c
promshm.max_series=3
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Segment};

$c = new Counter('c_total', '', ['a']);
foreach (['a', 'b', 'c', 'd', 'e', 'd'] as $value) {
    $c->inc([$value]);
}
$bound = $c->labels('z');
$bound->inc();
$bound->incBy(5);
(new Gauge('g'))->set(1);
$c->inc(['a']);
show();
echo json_encode(Segment::status()['dropped']), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="a"} 2
c_total{a="b"} 1
c_total{a="c"} 1
{"series_limit":6,"segment_full":0,"too_many_buckets":0,"corrupt":0,"summary_sample":0,"exemplar":0}
