--TEST--
Updates that do not fit into promshm.size are dropped and counted exactly; others are kept
--DESCRIPTION--
A segment that is too small drops updates, but stored and dropped updates must add up to the number of calls.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}050
promshm.max_series_per_metric=100%
promshm.size=2M
promshm.max_series=2000
promshm.max_processes=4
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['a']);
$asked = 0;
for ($round = 0; $round < 2; $round++) {
    for ($i = 0; $i < 2000; $i++) {
        $c->inc([str_repeat('x', 900) . $i]);
        $asked++;
    }
}

/** The sum of the page's samples and of the drop counter. */
function accounted(): int
{
    preg_match_all('/^c_total\{.*\} (\d+)$/m', samples(), $values);
    return array_sum($values[1]) + Segment::status()['dropped']['segment_full'];
}

preg_match_all('/^c_total\{.*\} (\d+)$/m', samples(), $values);
var_dump(count($values[1]) > 500, array_unique($values[1]) === ['2']);
var_dump(Segment::status()['dropped']['segment_full'] > 1000);
var_dump(accounted() - $asked);

// Another process may find no room for its cells, even for an existing series.
run_php('(new Counter("c_total", "", ["a"]))->inc([str_repeat("x", 900) . "0"]);');
var_dump(accounted() - $asked);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
bool(true)
int(0)
int(1)
