--TEST--
A histogram without buckets gets the default ones
--DESCRIPTION--
Dashboards are made for these bounds; they are what other PHP clients use.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}019
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

(new Histogram('h'))->observe(0.3);
show();
var_dump(Histogram::getDefaultBuckets() === [.005, .01, .025, .05, .075, .1, .25, .5, .75, 1.0, 2.5, 5.0, 7.5, 10.0]);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
h_bucket{le="0.005"} 0
h_bucket{le="0.01"} 0
h_bucket{le="0.025"} 0
h_bucket{le="0.05"} 0
h_bucket{le="0.075"} 0
h_bucket{le="0.1"} 0
h_bucket{le="0.25"} 0
h_bucket{le="0.5"} 1
h_bucket{le="0.75"} 1
h_bucket{le="1.0"} 1
h_bucket{le="2.5"} 1
h_bucket{le="5.0"} 1
h_bucket{le="7.5"} 1
h_bucket{le="10.0"} 1
h_bucket{le="+Inf"} 1
h_sum 0.3
h_count 1
bool(true)
