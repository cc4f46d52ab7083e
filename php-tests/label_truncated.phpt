--TEST--
Label values above the limit are cut, and two cut values stay two series
--DESCRIPTION--
A request path from outside can be any size. Cutting alone would merge series that differ at the end.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}00a
promshm.max_label_length=64
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['path']);
$c->inc([str_repeat('a', 200) . 'x']);
$c->inc([str_repeat('a', 200) . 'y']);
$c->inc([str_repeat('a', 200) . 'y']);
$c->inc([str_repeat('é', 200)]);
$c->inc([str_repeat('b', 64)]);

preg_match_all('/^c_total\{path="(.*)"\} (\d+)$/m', samples(), $rows);
echo 'series: ', count($rows[1]), "\n";
echo 'counts: ', implode(' ', $rows[2]), "\n";
echo 'longest: ', max(array_map('strlen', $rows[1])), "\n";
echo 'valid text: ', var_export((bool) preg_match('//u', samples()), true), "\n";
echo 'kept whole: ', var_export(in_array(str_repeat('b', 64), $rows[1], true), true), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
series: 4
counts: %r(1 2|2 1)%r 1 1
longest: %r(6[0-4])%r
valid text: true
kept whole: true
