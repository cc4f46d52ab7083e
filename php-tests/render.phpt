--TEST--
Segment::render() writes Prometheus text 0.0.4
--DESCRIPTION--
Order, escapes and number formats. Any difference fails a scrape or makes new series.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}028
promshm.runtime_metrics=0
--FILE--
<?php
use Promshm\{Counter, Gauge, Histogram, Segment};

(new Gauge('z_last', 'Shown last'))->set(1);
$c = new Counter('a_total', "Line\nbreak and back\\slash, \"quotes\" stay", ['path', 'code']);
$c->inc(['/b', '200']);
$c->inc(['/a', '404']);
$c->inc(['/a', '200']);
$c->inc(["say \"hi\"\\\n", '']);
(new Histogram('m_seconds', 'Durations', ['q'], [0.25, 1, 10]))->observe(0.5, ['x']);
$g = new Gauge('n_values', 'Numbers', ['v']);
foreach ([1.0, 0.5, 1000000.0, INF, -INF, NAN, 9007199254740992.0] as $n => $value) {
    $g->set($value, [$n]);
}
echo Segment::render();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
# HELP a_total Line\nbreak and back\\slash, "quotes" stay
# TYPE a_total counter
a_total{path="/a",code="200"} 1
a_total{path="/a",code="404"} 1
a_total{path="/b",code="200"} 1
a_total{path="say \"hi\"\\\n",code=""} 1
# HELP m_seconds Durations
# TYPE m_seconds histogram
m_seconds_bucket{q="x",le="0.25"} 0
m_seconds_bucket{q="x",le="1.0"} 1
m_seconds_bucket{q="x",le="10.0"} 1
m_seconds_bucket{q="x",le="+Inf"} 1
m_seconds_sum{q="x"} 0.5
m_seconds_count{q="x"} 1
# HELP n_values Numbers
# TYPE n_values gauge
n_values{v="0"} 1
n_values{v="1"} 0.5
n_values{v="2"} 1000000
n_values{v="3"} +Inf
n_values{v="4"} -Inf
n_values{v="5"} NaN
n_values{v="6"} 9007199254740992
# HELP z_last Shown last
# TYPE z_last gauge
z_last 1
