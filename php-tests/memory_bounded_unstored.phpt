--TEST--
Long label values are not cached when nothing is stored
--DESCRIPTION--
A process with promshm.enabled=0, or without a segment, cuts no label value, because it knows no limit.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}20f
promshm.enabled=0
memory_limit=-1
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/memory.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['a']);
$c->inc(['x']);
$before = private_bytes();
for ($i = 0; $i < 20; $i++) {
    $value = str_repeat('y', 2 << 20) . $i;
    $c->inc([$value]);
    $c->inc(['a' => $value]);
    $c->labels($value)->inc();
}
unset($value);
$grown = private_bytes() - $before;
echo $grown < 8 << 20 ? "no growth\n" : "grew by $grown bytes\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
no growth
