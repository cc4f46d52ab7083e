--TEST--
Buckets may be ints or floats, and may end in INF
--DESCRIPTION--
People write [1, 2.5, INF]; +Inf must appear once, and keys of the array mean nothing.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}01a
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

(new Histogram('mixed', '', [], [1, 2.5, INF]))->observe(2);
(new Histogram('keyed', '', [], ['a' => 1, 'b' => 2]))->observe(2);
(new Histogram('negative', '', [], [-1.5, 0, 1e6]))->observe(0);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
keyed_bucket{le="1.0"} 0
keyed_bucket{le="2.0"} 1
keyed_bucket{le="+Inf"} 1
keyed_sum 2
keyed_count 1
mixed_bucket{le="1.0"} 0
mixed_bucket{le="2.5"} 1
mixed_bucket{le="+Inf"} 1
mixed_sum 2
mixed_count 1
negative_bucket{le="-1.5"} 0
negative_bucket{le="0.0"} 1
negative_bucket{le="1e+06"} 1
negative_bucket{le="+Inf"} 1
negative_sum 0
negative_count 1
