--TEST--
Histogram::observe() counts each value in its bucket
--DESCRIPTION--
Bounds are inclusive; buckets are cumulative; +Inf, _count and the number of observations are one number.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}018
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

$h = new Histogram('h', '', ['path'], [1, 2, 5]);
foreach ([0.5, 1, 1.25, 2, 5, 6] as $value) {
    $h->observe($value, ['/']);
}
$h->observe(-1, ['/negative']);
$h->observe(INF, ['/inf']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
h_bucket{path="/",le="1.0"} 2
h_bucket{path="/",le="2.0"} 4
h_bucket{path="/",le="5.0"} 5
h_bucket{path="/",le="+Inf"} 6
h_sum{path="/"} 15.75
h_count{path="/"} 6
h_bucket{path="/inf",le="1.0"} 0
h_bucket{path="/inf",le="2.0"} 0
h_bucket{path="/inf",le="5.0"} 0
h_bucket{path="/inf",le="+Inf"} 1
h_sum{path="/inf"} +Inf
h_count{path="/inf"} 1
h_bucket{path="/negative",le="1.0"} 1
h_bucket{path="/negative",le="2.0"} 1
h_bucket{path="/negative",le="5.0"} 1
h_bucket{path="/negative",le="+Inf"} 1
h_sum{path="/negative"} -1
h_count{path="/negative"} 1
