--TEST--
INF and NAN are stored and rendered
--DESCRIPTION--
A division by zero in a script must not make a page that Prometheus refuses.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}053
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram};

$h = new Histogram('h', '', [], [1]);
$h->observe(NAN);
$h->observe(0.5);
(new Counter('c_total'))->incBy(INF);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total +Inf
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 2
h_sum NaN
h_count 2
