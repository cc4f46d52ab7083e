--TEST--
Exemplars use at most half of the segment
--DESCRIPTION--
Exemplars are optional, so they must not take the space that new series need.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0c3
promshm.max_series_per_metric=100%
promshm.size=1M
promshm.max_series=2000
promshm.max_processes=2
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['a']);
foreach (range(1, 900) as $n) {
    $c->inc([$n], ['trace_id' => "id $n"]);
}
foreach (range(901, 1800) as $n) {
    $c->inc([$n], ['trace_id' => "id $n"]);
}
foreach (range(1, 1800) as $n) {
    $c->inc([$n], ['trace_id' => "id $n"]);
}
$dropped = Segment::status()['dropped'];
var_dump($dropped['exemplar'] > 100, $dropped['exemplar'] < 3600, $dropped['segment_full'], $dropped['series_limit']);
preg_match_all('/^c_total\{a="\d+"\} 2$/m', samples(), $found);
echo count($found[0]), " series\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
int(0)
int(0)
1800 series
