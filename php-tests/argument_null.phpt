--TEST--
null is refused as a number and as a text, also without strict types
--DESCRIPTION--
PHP converts null to 0 for functions of extensions and only deprecates it, which would store an observation of 0 that the program did not make. Methods written in PHP, such as PromPHP's and the stand-ins, refuse null.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}20a
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, Gauge, Histogram, RenderTextFormat, Summary};

set_error_handler(fn (int $kind, string $message) => print("$message\n"));
$c = new Counter('c_total');
$g = new Gauge('g');
$h = new Histogram('h');
$s = new Summary('s');
$registry = new CollectorRegistry(null, false);
attempt_in_full(fn () => $h->observe(null));
attempt_in_full(fn () => $c->incBy(null));
attempt(fn () => $s->observe(null), '#1 ($value)', 'float');
attempt(fn () => $g->set(null), '#1 ($value)', 'float');
attempt(fn () => $g->incBy(null), '#1 ($value)', 'int|float');
attempt(fn () => $g->decBy(null), '#1 ($value)', 'int|float');
attempt(fn () => $h->observe(null, []), '#1 ($value)');
attempt(fn () => $h->observe(value: null, exemplar: ['trace_id' => 'x']), '#1 ($value)');
attempt(fn () => new Counter(null), '#1 ($name)', 'string');
attempt(fn () => new Counter('n_total', null), '#2 ($help)', 'string');
attempt(fn () => new Summary('n', '', [], null), '#4 ($maxAgeSeconds)', 'int');
attempt(fn () => new CollectorRegistry(null, null), '#2 ($registerDefaultMetrics)', 'bool');
attempt(fn () => $registry->registerCounter(null, 'n', ''), '#1 ($namespace)');
attempt(fn () => $registry->getOrRegisterGauge('', null, ''), '#2 ($name)');
attempt(fn () => $registry->getHistogram('', null), '#2 ($name)');
attempt(fn () => $registry->getMetricFamilySamples(null), '#1 ($sortMetrics)');
attempt(fn () => Histogram::linearBuckets(0, 1, null), '#3 ($numberOfBuckets)', 'int');
attempt(fn () => (new RenderTextFormat())->render([], null), '#2 ($silent)');

// null is accepted where the signature allows it.
$c->inc([], null);
new Histogram('defaults', '', [], null);
new Summary('window', '', [], 60, null);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
TypeError: Promshm\Histogram::observe(): Argument #1 ($value) must be of type float, null given
TypeError: Promshm\Counter::incBy(): Argument #1 ($value) must be of type int|float, null given
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
TypeError
c_total 1
defaults_bucket{le="0.005"} 0
defaults_bucket{le="0.01"} 0
defaults_bucket{le="0.025"} 0
defaults_bucket{le="0.05"} 0
defaults_bucket{le="0.075"} 0
defaults_bucket{le="0.1"} 0
defaults_bucket{le="0.25"} 0
defaults_bucket{le="0.5"} 0
defaults_bucket{le="0.75"} 0
defaults_bucket{le="1.0"} 0
defaults_bucket{le="2.5"} 0
defaults_bucket{le="5.0"} 0
defaults_bucket{le="7.5"} 0
defaults_bucket{le="10.0"} 0
defaults_bucket{le="+Inf"} 0
defaults_sum 0
defaults_count 0
h_bucket{le="0.005"} 0
h_bucket{le="0.01"} 0
h_bucket{le="0.025"} 0
h_bucket{le="0.05"} 0
h_bucket{le="0.075"} 0
h_bucket{le="0.1"} 0
h_bucket{le="0.25"} 0
h_bucket{le="0.5"} 0
h_bucket{le="0.75"} 0
h_bucket{le="1.0"} 0
h_bucket{le="2.5"} 0
h_bucket{le="5.0"} 0
h_bucket{le="7.5"} 0
h_bucket{le="10.0"} 0
h_bucket{le="+Inf"} 0
h_sum 0
h_count 0
s{quantile="0.01"} NaN
s{quantile="0.05"} NaN
s{quantile="0.5"} NaN
s{quantile="0.95"} NaN
s{quantile="0.99"} NaN
s_sum 0
s_count 0
window{quantile="0.01"} NaN
window{quantile="0.05"} NaN
window{quantile="0.5"} NaN
window{quantile="0.95"} NaN
window{quantile="0.99"} NaN
window_sum 0
window_count 0
