--TEST--
A histogram with more buckets than fit into a page is dropped and counted
--DESCRIPTION--
All cells of a histogram must fit into one page. Other metrics of the process continue.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}02d
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Histogram, Segment};

$h = new Histogram('h', '', [], range(1, 2000));
$h->observe(1);
$h->observe(2);
(new Histogram('fine', '', [], [1]))->observe(1);
echo preg_replace('/^h_bucket.*\n/m', '', samples());
echo json_encode(Segment::status()['dropped']), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
fine_bucket{le="1.0"} 1
fine_bucket{le="+Inf"} 1
fine_sum 1
fine_count 1
{"series_limit":0,"segment_full":0,"too_many_buckets":2,"corrupt":0,"summary_sample":0,"exemplar":0}
