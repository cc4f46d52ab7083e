--TEST--
Counter::incBy() with a negative amount throws
--DESCRIPTION--
Prometheus would take a negative increment for a restart, and NAN would stay for ever. Neither may change the total.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}003
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total');
$bound = (new Counter('bound_total', '', ['a']))->labels('x');
$c->incBy(2);
$bound->incBy(2);
foreach ([-1, -0.5, NAN, -INF, PHP_INT_MIN] as $bad) {
    attempt(fn () => $c->incBy($bad), 'c_total');
    attempt(fn () => $bound->incBy($bad), 'bound_total');
}
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
bound_total{a="x"} 2
c_total 2
