--TEST--
The bucket helpers refuse arguments that give no valid buckets
--DESCRIPTION--
A huge count must not exhaust the process's memory, and a factor of 1 must not make equal bounds.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}01d
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

attempt(fn () => Histogram::exponentialBuckets(0, 2, 3));
attempt(fn () => Histogram::exponentialBuckets(-1, 2, 3));
attempt(fn () => Histogram::exponentialBuckets(1, 1, 3));
attempt(fn () => Histogram::exponentialBuckets(1, 0.5, 3));
attempt(fn () => Histogram::exponentialBuckets(1, 2, 0));
attempt(fn () => Histogram::exponentialBuckets(1, 2, -1));
attempt(fn () => Histogram::exponentialBuckets(NAN, 2, 3));
attempt(fn () => Histogram::exponentialBuckets(1, INF, 3));
attempt(fn () => Histogram::exponentialBuckets(1, 1.1, PHP_INT_MAX));
attempt(fn () => Histogram::linearBuckets(1, 0, 3));
attempt(fn () => Histogram::linearBuckets(1, -1, 3));
attempt(fn () => Histogram::linearBuckets(1, 1, 0));
attempt(fn () => Histogram::linearBuckets(NAN, 1, 3));
attempt(fn () => Histogram::linearBuckets(1, INF, 3));
attempt(fn () => Histogram::linearBuckets(1, 1, PHP_INT_MAX));
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
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
