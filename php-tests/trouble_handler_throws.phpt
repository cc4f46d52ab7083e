--TEST--
An error handler that turns the warning into an exception
--DESCRIPTION--
Laravel and Symfony do that. The exception must pass through unharmed, once, and later calls stay silent.
--EXTENSIONS--
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}042
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

shmop_write(shmop_open(segment_key(), 'n', 0666, 1 << 20), 'not promshm', 0);
set_error_handler(fn ($level, $message) => throw new ErrorException($message, 0, $level));
$c = new Counter('c_total', '', ['a']);
attempt(fn () => $c->inc(['x']), 'promshm: ');
attempt(fn () => $c->inc(['x']));
attempt(fn () => $c->labels('x')->inc());
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
ErrorException
nothing thrown
nothing thrown
