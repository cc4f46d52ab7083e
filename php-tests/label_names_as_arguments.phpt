--TEST--
labels() accepts label names as named arguments, in any order
--DESCRIPTION--
PHP passes them to a variadic method by name. Taking them by position would swap values silently.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}052
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['method', 'code']);
$c->labels(method: 'GET', code: '200')->inc();
$c->labels(code: '200', method: 'GET')->inc();
$c->labels(...['code' => '200', 'method' => 'GET'])->inc();
attempt(fn () => $c->labels('GET', code: '200'));
attempt(fn () => $c->labels(method: 'GET', status: '200'));
attempt(fn () => $c->labels(method: 'GET'));
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
c_total{method="GET",code="200"} 3
