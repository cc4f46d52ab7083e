--TEST--
Over promshm.size updates are dropped and counted, exactly, and no other is lost
--DESCRIPTION--
A segment that is too small costs updates, but no number is wrong: dropped and stored add up to what was asked for.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}050
promshm.size=1M
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

/** What the page and the drop counter hold together. */
function accounted(): int
{
    preg_match_all('/^c_total\{.*\} (\d+)$/m', samples(), $values);
    return array_sum($values[1]) + Segment::status()['dropped']['segment_full'];
}

preg_match_all('/^c_total\{.*\} (\d+)$/m', samples(), $values);
var_dump(count($values[1]) > 500, array_unique($values[1]) === ['2']);
var_dump(Segment::status()['dropped']['segment_full'] > 1000);
var_dump(accounted() - $asked);

// A further process may find no room for its cells, even for a series that is there.
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
