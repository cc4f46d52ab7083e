--TEST--
100,000 handles called with labels use less than 40 MB
--DESCRIPTION--
Each had a cache of its own from its first call on, 2.2 kB outside of memory_limit.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}205
memory_limit=-1
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/memory.inc';

use Promshm\Counter;

(new Counter('c_total', '', ['a']))->inc(['x']);
$before = private_bytes();
$handles = [];
for ($i = 0; $i < 100_000; $i++) {
    $handles[] = $handle = new Counter('c_total', '', ['a']);
    $handle->inc(['x']);
    $handle->inc(['x']);
}
$grown = private_bytes() - $before;
$limit = PHP_DEBUG ? 64 : 40; // the engine's own debug marks
echo $grown < $limit << 20 ? "small enough\n" : "grew by $grown bytes\n";
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
small enough
c_total{a="x"} 200001
