--TEST--
A summary without room for samples keeps its sum and count, and the missing samples are counted
--DESCRIPTION--
A ring that does not fit must affect the quantiles only, and must be counted.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a9
promshm.size=1M
promshm.max_series=100
promshm.max_processes=2
promshm.summary_samples=65536
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Segment, Summary};

$s = new Summary('s', '', [], 600, [0.5]);
$s->observe(1);
$s->observe(2);
run_php('(new Promshm\Summary("s", "", [], 600, [0.5]))->observe(3);');
show();
echo json_encode(Segment::status()['dropped']), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
s{quantile="0.5"} NaN
s_sum 6
s_count 3
{"series_limit":0,"segment_full":0,"too_many_buckets":0,"corrupt":0,"summary_sample":3,"exemplar":0}
