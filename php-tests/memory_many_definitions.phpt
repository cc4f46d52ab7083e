--TEST--
The cache of definitions is bounded
--DESCRIPTION--
A script that generates names or buckets without limit exhausted the memory of a process that serves many requests.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}206
memory_limit=-1
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/memory.inc';

use Promshm\Counter;

$help = str_repeat('h', 2000);
$define = function (int $from, int $to) use ($help): void {
    for ($i = $from; $i < $to; $i++) {
        new Counter("made_up_{$i}_total", $help, ['a']);
    }
};
$define(0, 20_000);
$before = private_bytes();
$define(20_000, 120_000);
$grown = private_bytes() - $before;
echo $grown < 20 << 20 ? "bounded\n" : "grew by $grown bytes\n";
for ($i = 0; $i < 20_000; $i++) {
    new Counter("long_{$i}_total", str_repeat('h', 16_000), ['a']);
}
$grown = private_bytes() - $before;
echo $grown < 40 << 20 ? "bounded\n" : "grew by $grown bytes\n";
(new Counter('made_up_5_total', '', ['a']))->inc(['x']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bounded
bounded
made_up_5_total{a="x"} 1
