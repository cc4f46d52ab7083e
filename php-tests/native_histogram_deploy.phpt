--TEST--
A deploy that changes the bucket factor starts a native histogram afresh, and nothing breaks
--DESCRIPTION--
Processes of both releases count at the same time for a while. A page must never contain both definitions: Prometheus would take it for one histogram that goes backwards. The one that is exported is that of the youngest process.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}9a3
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Histogram, NativeHistogram, RenderTextFormat};

$show = function (string $when) {
    echo "$when\n";
    $page = (new RenderTextFormat())->render((new CollectorRegistry(null, false))->getMetricFamilySamples());
    echo preg_replace('/^#.*\n/m', '', $page);
};
$classic = Child::start(fn () => (new Histogram('h', '', [], [1]))->observe(1));
$show('classic');
$old = Child::start(
    fn () => (new NativeHistogram('h', '', [], 2, 1, 4))->observe(3),
    fn () => (new NativeHistogram('h', '', [], 2, 1, 4))->observe(3),
);
$show('native');
$new = Child::start(fn () => (new NativeHistogram('h', '', [], 1.1, 1, 4))->observe(3), fn () => 0);
$show('finer');
$old->step();
$show('finer, while the former release still counts');
array_map(fn ($child) => $child->kill(), [$classic, $old, $new]);
$narrow = Child::start(fn () => (new NativeHistogram('h', '', [], 1.1, 1, 2))->observe(3));
$show('narrower');
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
classic
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_count 1
h_sum 1
native
h_bucket{le="1.0"} 0
h_bucket{le="2.0"} 0
h_bucket{le="4.0"} 1
h_bucket{le="+Inf"} 1
h_count 1
h_sum 3
finer
h_bucket{le="1.0"} 0
h_bucket{le="2.0"} 0
h_bucket{le="4.0"} 1
h_bucket{le="+Inf"} 1
h_count 1
h_sum 3
finer, while the former release still counts
h_bucket{le="1.0"} 0
h_bucket{le="2.0"} 0
h_bucket{le="4.0"} 1
h_bucket{le="+Inf"} 1
h_count 1
h_sum 3
narrower
h_bucket{le="1.0"} 0
h_bucket{le="2.0"} 0
h_bucket{le="+Inf"} 1
h_count 1
h_sum 3
