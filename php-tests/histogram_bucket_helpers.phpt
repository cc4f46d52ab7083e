--TEST--
exponentialBuckets() and linearBuckets()
--DESCRIPTION--
They must return what the constructor takes: floats, increasing, as many as asked for.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}01c
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

var_dump(Histogram::exponentialBuckets(0.5, 2, 4) === [0.5, 1.0, 2.0, 4.0]);
var_dump(Histogram::linearBuckets(1, 0.5, 3) === [1.0, 1.5, 2.0]);
var_dump(Histogram::linearBuckets(-1, 1, 3) === [-1.0, 0.0, 1.0]);
var_dump(Histogram::exponentialBuckets(3, 2, 1) === [3.0]);
(new Histogram('h', '', [], Histogram::exponentialBuckets(0.001, 1.5, 20)))->observe(1);
echo preg_match_all('/^h_bucket/m', samples()), " buckets\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
21 buckets
