--TEST--
A second definition of a name in one process throws
--DESCRIPTION--
It is a mistake in the program and must be reported at once; the first definition stays in use.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}021
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

$c = new Counter('m', '', ['a', 'b']);
attempt(fn () => new Counter('m'), 'm');
attempt(fn () => new Counter('m', '', ['a']), 'm');
attempt(fn () => new Counter('m', '', ['a', 'b', 'c']), 'm');
attempt(fn () => new Gauge('m', '', ['a', 'b']), 'm');
attempt(fn () => new Histogram('m', '', ['a', 'b']), 'm');
$g = new Gauge('g');
attempt(fn () => new Gauge('g', '', [], GaugeMode::Sum), 'g');
$h = new Histogram('h', '', [], [1, 2]);
attempt(fn () => new Histogram('h', '', [], [1, 3]), 'h');
attempt(fn () => new Histogram('h'), 'h');
$c->inc(['x', 'y']);
attempt(fn () => new Gauge('m'), 'm');
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
h_bucket{le="1.0"} 0
h_bucket{le="2.0"} 0
h_bucket{le="+Inf"} 0
h_sum 0
h_count 0
m{a="x",b="y"} 1
