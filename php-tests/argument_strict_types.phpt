--TEST--
With strict types, scalars are not coerced, except int to float
--DESCRIPTION--
declare(strict_types=1) belongs to the calling file, and a native method must follow it.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}033
--FILE--
<?php
declare(strict_types=1);
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram};

$c = new Counter('c_total');
$g = new Gauge('g');
$h = new Histogram('h', '', [], [1]);
attempt_in_full(fn () => $c->incBy('3'));
attempt_in_full(fn () => $c->incBy(true));
attempt_in_full(fn () => $c->incBy(null));
attempt_in_full(fn () => $g->set('1'));
attempt_in_full(fn () => $h->observe('1'));
attempt_in_full(fn () => new Counter(5));
$c->incBy(2);
$g->set(3);
$h->observe(1);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
TypeError: Promshm\Counter::incBy(): Argument #1 ($value) must be of type int|float, string given
TypeError: Promshm\Counter::incBy(): Argument #1 ($value) must be of type int|float, %r(bool|true)%r given
TypeError: Promshm\Counter::incBy(): Argument #1 ($value) must be of type int|float, null given
TypeError: Promshm\Gauge::set(): Argument #1 ($value) must be of type float, string given
TypeError: Promshm\Histogram::observe(): Argument #1 ($value) must be of type float, string given
TypeError: Promshm\Counter::__construct(): Argument #1 ($name) must be of type string, int given
c_total 2
g 3
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 1
h_count 1
