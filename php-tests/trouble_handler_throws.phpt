--TEST--
The storage warning bypasses the script's error handler
--DESCRIPTION--
Laravel and Symfony turn warnings into exceptions there, and a metric must never throw for storage trouble.
--EXTENSIONS--
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}042
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

shmop_write(shmop_open(segment_key(), 'n', 0666, 1 << 20), 'not promshm', 0);
set_error_handler(function (int $level, string $message) {
    throw new ErrorException($message, 0, $level);
});
$c = new Counter('c_total', '', ['a']);
attempt(fn () => $c->inc(['x']));
attempt(fn () => $c->inc(['x']));
attempt(fn () => $c->labels('x')->inc());
echo "The handler is still there: ";
attempt(fn () => trigger_error('mine', E_USER_WARNING));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
Warning: promshm: %s in %s on line %d
nothing thrown
nothing thrown
nothing thrown
The handler is still there: ErrorException
