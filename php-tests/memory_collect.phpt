--TEST--
The samples of 10,000 histograms fit into PHP's default memory_limit
--DESCRIPTION--
A /metrics route of the application makes a page of objects. A list of 170,000 samples with strings and arrays of
their own took 121 MiB before a line was written.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0e4
promshm.max_series_per_metric=100%
promshm.runtime_metrics=0
memory_limit=128M
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Histogram, RenderTextFormat};

$h = new Histogram('h_seconds', '', ['component', 'state']);
for ($i = 0; $i < 10_000; $i++) {
    $h->observe(0.3, ['component-' . $i % 100, 'state-' . intdiv($i, 100)]);
}
$before = memory_get_usage();
$families = (new CollectorRegistry(null, false))->getMetricFamilySamples();
$samples = $families[0]->getSamples();
$each = (memory_get_usage() - $before) / count($samples);
echo count($samples), ' samples, ', $each < 250 ? 'small' : "$each bytes each", "\n";
echo strlen((new RenderTextFormat())->render($families)) === strlen(Promshm\Segment::render()) ? 'same' : 'another', " length\n";
$bucket = $samples[5];
echo $bucket->getName(), ' ', implode(',', $bucket->getLabelNames()), ' ', implode(',', $bucket->getLabelValues()), "\n";
$values = $bucket->getLabelValues();
$values[] = 'changed';
echo count($bucket->getLabelValues()), ' ', count($samples[6]->getLabelValues()), "\n";
$sum = $samples[16];
echo $sum->getName(), ' ', json_encode($sum->getLabelNames()), ' ', implode(',', $sum->getLabelValues()), ' ', $sum->getValue(), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
170000 samples, small
same length
h_seconds_bucket le component-0,state-0,0.1
3 3
h_seconds_sum [] component-0,state-0 0.3
