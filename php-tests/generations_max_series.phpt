--TEST--
The youngest process decides the limit of series, as soon as a generation begins
--DESCRIPTION--
A larger limit took effect in a new segment only, so all counts were lost for it.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}6a2
promshm.size=64M
promshm.max_series=100
promshm.max_series_per_metric=100%
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['n']);
$c->inc([1]);
$many = '$c = new Counter("c_total", "", ["n"]); for ($n = 0; $n < 150; $n++) { $c->inc([$n]); }'
    . 'echo Segment::status()["series"], " of ", Segment::status()["max_series"], "\n";';
echo run_php($many), run_php($many, ['promshm.max_series' => '200']);
$c->inc([1]);
echo Segment::status()['max_series'], ' ', json_encode(Segment::status()['other_settings']), "\n";
echo sample('c_total{n="1"}'), ' ', sample('c_total{n="2"}'), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/clean.inc';
?>
--EXPECT--
100 of 100
150 of 200
200 {"promshm.max_series":{"configured":100,"segment":200,"next_generation":true}}
4 2
