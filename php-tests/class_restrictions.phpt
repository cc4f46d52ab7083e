--TEST--
Handles are not cloned, serialised, extended or given properties
--DESCRIPTION--
Handles contain addresses in shared memory: a copy or an unserialised handle would hold an invalid pointer.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}02e
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram};

$c = new Counter('c_total', '', ['a']);
$all = [$c, $c->labels('x'), new Gauge('g'), new Histogram('h')];
foreach ($all as $metric) {
    attempt_in_full(fn () => clone $metric);
    attempt_in_full(fn () => serialize($metric));
    attempt_in_full(fn () => $metric->property = 1);
    attempt_in_full(fn () => unserialize(sprintf('O:%d:"%s":0:{}', strlen($metric::class), $metric::class)));
    attempt(fn () => (new ReflectionClass($metric))->newInstanceWithoutConstructor());
}
attempt(fn () => unserialize('O:15:"Promshm\Segment":0:{}'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
Error: Trying to clone an uncloneable object of class Promshm\Counter
Exception: Serialization of 'Promshm\Counter' is not allowed
Error: Cannot create dynamic property Promshm\Counter::$property
Exception: Unserialization of 'Promshm\Counter' is not allowed
ReflectionException
Error: Trying to clone an uncloneable object of class Promshm\Counter
Exception: Serialization of 'Promshm\Counter' is not allowed
Error: Cannot create dynamic property Promshm\Counter::$property
Exception: Unserialization of 'Promshm\Counter' is not allowed
ReflectionException
Error: Trying to clone an uncloneable object of class Promshm\Gauge
Exception: Serialization of 'Promshm\Gauge' is not allowed
Error: Cannot create dynamic property Promshm\Gauge::$property
Exception: Unserialization of 'Promshm\Gauge' is not allowed
ReflectionException
Error: Trying to clone an uncloneable object of class Promshm\Histogram
Exception: Serialization of 'Promshm\Histogram' is not allowed
Error: Cannot create dynamic property Promshm\Histogram::$property
Exception: Unserialization of 'Promshm\Histogram' is not allowed
ReflectionException
Exception
