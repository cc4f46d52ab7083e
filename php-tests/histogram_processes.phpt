--TEST--
Histograms of several processes add up
--DESCRIPTION--
Buckets, sum and count of each process live in its own cells; the scrape is their sum.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}01e
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

$h = new Histogram('h', '', [], [1, 2]);
$h->observe(0.5);
$children = [
    Child::start(fn () => $h->observe(1.5)),
    Child::start(fn () => [$h->observe(3), $h->observe(0.5)]),
];
show();
$children[0]->finish();
$children[1]->kill();
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
h_bucket{le="1.0"} 2
h_bucket{le="2.0"} 3
h_bucket{le="+Inf"} 4
h_sum 5.5
h_count 4
h_bucket{le="1.0"} 2
h_bucket{le="2.0"} 3
h_bucket{le="+Inf"} 4
h_sum 5.5
h_count 4
