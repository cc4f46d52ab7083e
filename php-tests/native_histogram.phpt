--TEST--
NativeHistogram::observe() counts each value in its exponential bucket
--DESCRIPTION--
Every observation is counted, whatever the value: as text, a native histogram is a classic one whose buckets end at powers of two, where both have a bound, so that scrapers without the newer format lose nothing but resolution.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}9a0
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, NativeHistogram, RenderTextFormat};

$h = new NativeHistogram('h', 'Seconds.', ['path'], 1.1, 0.5, 4);
// Within the window, at its bounds and beside them, below it, above it, negative.
foreach ([0.5, 0.50000001, 1, 1.00000001, 1.4, 2, 3, 4, 4.00000001, 0, 0.1, -0.5, -0.7] as $value) {
    $h->observe($value, ['/']);
}
$h->labels('/odd')->observe(INF);
$h->labels('/odd')->observe(NAN);
$h->observe(-INF, ['path' => '/odd']);
$h->init(['/new']);
$render = fn () => (new RenderTextFormat())->render((new CollectorRegistry(null, false))->getMetricFamilySamples());
echo $render();
var_dump($h->remove(['/odd']), $h->removeMatching(['path' => '/new']), $h->clear(), $render());
echo json_encode([$h->getName(), $h->getHelp(), $h->getLabelNames(), $h->getType()]), "\n";
var_dump($h instanceof Promshm\NativeHistogramInterface, $h->labels('x') instanceof NativeHistogram);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
# HELP h Seconds.
# TYPE h histogram
h_bucket{path="/",le="0.5"} 5
h_bucket{path="/",le="1.0"} 7
h_bucket{path="/",le="2.0"} 10
h_bucket{path="/",le="4.0"} 12
h_bucket{path="/",le="+Inf"} 13
h_count{path="/"} 13
h_sum{path="/"} 16.300000030000003
h_bucket{path="/new",le="0.5"} 0
h_bucket{path="/new",le="1.0"} 0
h_bucket{path="/new",le="2.0"} 0
h_bucket{path="/new",le="4.0"} 0
h_bucket{path="/new",le="+Inf"} 0
h_count{path="/new"} 0
h_sum{path="/new"} 0
h_bucket{path="/odd",le="0.5"} 1
h_bucket{path="/odd",le="1.0"} 1
h_bucket{path="/odd",le="2.0"} 1
h_bucket{path="/odd",le="4.0"} 1
h_bucket{path="/odd",le="+Inf"} 3
h_count{path="/odd"} 3
h_sum{path="/odd"} NaN
bool(true)
int(1)
int(1)
string(0) ""
["h","Seconds.",["path"],"histogram"]
bool(true)
bool(true)
