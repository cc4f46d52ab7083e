--TEST--
A metric whose labels, type or buckets change starts from zero
--DESCRIPTION--
New code must not fail because of an old definition, and a scrape must never contain both.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}022
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment};

echo run_php('
    (new Counter("labels_total", "", ["a"]))->incBy(5, ["old"]);
    (new Counter("type"))->incBy(5);
    (new Histogram("buckets", "", [], [1, 2]))->observe(1);
    (new Gauge("mode"))->set(5);
    (new Counter("same_total"))->inc();
');
echo run_php('
    (new Counter("labels_total", "", ["a", "b"]))->inc(["new", "x"]);
    (new Gauge("type"))->set(7);
    (new Histogram("buckets", "", [], [3]))->observe(1);
    (new Gauge("mode", "", [], GaugeMode::Sum))->set(6);
    (new Counter("same_total"))->inc();
    show();
');
preg_match_all('/^# TYPE (.*)$/m', Segment::render(), $types);
echo implode("\n", $types[1]), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
buckets_bucket{le="3.0"} 1
buckets_bucket{le="+Inf"} 1
buckets_sum 1
buckets_count 1
labels_total{a="new",b="x"} 1
mode 6
same_total 2
type 7
buckets histogram
labels_total counter
%Asame_total counter
type gauge
