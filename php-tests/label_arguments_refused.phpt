--TEST--
labels() refuses unknown label names and null
--DESCRIPTION--
A misspelt name beside values by position used to be ignored, and null became the empty value, though the signature does not allow null.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}20b
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['a', 'b']);
$c->labels('x', 'y')->inc();
attempt_in_full(fn () => $c->labels('x', 'y', zzz: 'q'));
attempt_in_full(fn () => $c->labels('x', b: 'y'));
attempt_in_full(fn () => $c->labels(a: 'x', zzz: 'q'));
attempt_in_full(fn () => $c->labels(a: 'x', b: 'y', zzz: 'q'));
attempt_in_full(fn () => $c->labels('x', null));
attempt_in_full(fn () => $c->labels(a: null, b: 'y'));
$null = null;
attempt_in_full(fn () => $c->labels(...['x', &$null]));
attempt_in_full(fn () => (new Counter('plain_total'))->labels(zzz: 'q'));
$c->labels(b: 'y', a: 'x')->inc();
$c->inc(['x', null]);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\InvalidArgumentException: c_total: zzz is not one of its labels; pass all label values in this order (a, b), or all by name
Promshm\Exception\InvalidArgumentException: c_total: pass all label values in this order (a, b), or all by name
Promshm\Exception\InvalidArgumentException: c_total: label b is missing, and zzz is not one of its labels; the labels are a, b
Promshm\Exception\InvalidArgumentException: c_total needs 2 label values (a, b), 3 given: pass one for each, in this order or keyed by name
TypeError: c_total: label values must be of type Stringable|UnitEnum|string|int|float|bool, null given
TypeError: c_total: label values must be of type Stringable|UnitEnum|string|int|float|bool, null given
TypeError: c_total: label values must be of type Stringable|UnitEnum|string|int|float|bool, null given
Promshm\Exception\InvalidArgumentException: plain_total has no labels, but 1 given: leave them out, or name them in the constructor
c_total{a="x",b=""} 1
c_total{a="x",b="y"} 2
plain_total 0
