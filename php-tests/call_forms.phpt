--TEST--
Methods work through every way in which PHP calls them
--DESCRIPTION--
Callables, nullsafe calls, call_user_func and reflection take other ways into a handler, some with references.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}035
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['a']);
call_user_func([$c, 'inc'], ['x']);
call_user_func_array([$c, 'incBy'], [2, ['x']]);
call_user_func_array([$c, 'incBy'], ['labels' => ['x'], 'value' => 3]);
$inc = $c->inc(...);
$inc(['x']);
$c?->inc(['x']);
(new ReflectionMethod($c, 'inc'))->invoke($c, ['x']);
array_map([$c, 'inc'], [['x'], ['x']]);
$values = ['x'];
$c->labels(...$values)->inc();
$amount = 5;
$reference = &$amount;
$c->incBy($reference, $values);
$closure = Closure::fromCallable([$c, 'inc']);
$closure(['x']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{a="x"} 18
