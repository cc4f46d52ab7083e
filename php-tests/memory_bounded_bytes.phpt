--TEST--
The cache of series is bounded in bytes, and evicted series are still counted
--DESCRIPTION--
With many long label values a process cached as many bytes again as the segment holds, outside of memory_limit.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}204
promshm.max_series_per_metric=100%
promshm.max_label_length=16384
promshm.size=512M
promshm.runtime_metrics=0
memory_limit=-1
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/memory.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['a', 'b', 'c', 'd']);
$c->inc(['x', 'x', 'x', 'x']);
$before = private_bytes();
$long = array_map(fn (string $letter) => str_repeat($letter, 16000), ['p', 'q', 'r']);
for ($i = 0; $i < 4000; $i++) {
    $c->inc([...$long, "number $i"]);
    $i % 2 || $c->inc([...$long, "number $i"]);
}
$grown = private_bytes() - $before;
echo $grown < 64 << 20 ? "bounded\n" : "grew by $grown bytes\n";
preg_match_all('/^c_total\{.* (\d+)$/m', samples(), $found);
echo count($found[1]), ' series, ', array_sum($found[1]), " updates\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bounded
4001 series, 6001 updates
