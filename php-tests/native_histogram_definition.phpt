--TEST--
A native histogram's buckets are refused where they make no sense or do not fit, with the numbers
--DESCRIPTION--
A series must fit into a page of shared memory, so a fine factor needs a narrow window: the message says how fine and how wide it may be.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}9a1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Histogram, NativeHistogram};

foreach ([[1.0], [0], [-2], [NAN], [INF], [1.1, 0], [1.1, -1], [1.1, 1, 1], [1.1, 2, 1], [1.1, NAN], [1.1, 1, NAN],
    [1.1, 1, INF], [1.1, 1e-310], [2, 1, PHP_FLOAT_MAX]] as $window) {
    attempt(fn () => new NativeHistogram('h', '', [], ...$window), count($window) === 1 ? 'bucketFactor' : 'min and max');
}
attempt_in_full(fn () => new NativeHistogram('h', '', [], 1.01));
attempt_in_full(fn () => (new CollectorRegistry())->registerNativeHistogram('', 'h', '', [], 1.0001, 1e-300, 1e300));
attempt_in_full(fn () => new NativeHistogram('h', '', ['le']));
attempt(fn () => new NativeHistogram('h', '', [], null));
attempt(fn () => new NativeHistogram('h', '', [], 'x'));
// What the message names does fit.
new NativeHistogram('fine', '', [], 1.0906);
new NativeHistogram('fine', bucketFactor: 1.0906, max: 60000);
new NativeHistogram('narrow', '', [], 1.0001, 1, 1.9);
new NativeHistogram('wide', '', [], 16, 1e-300, 1e300);
attempt_in_full(fn () => new NativeHistogram('fine', '', [], 1.2));
attempt_in_full(fn () => new Histogram('fine'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException: From 2^-20 to 2^16 with this bucketFactor (schema 7) a series would have 4608 buckets, and there is room for 506: pass a bucketFactor of at least 1.0906, or bring min and max closer together
Promshm\Exception\InvalidArgumentException: From 2^-997 to 2^997 with this bucketFactor (schema 8) a series would have 510464 buckets, and there is room for 506: pass a bucketFactor of at least 16, or bring min and max closer together
Promshm\Exception\InvalidArgumentException: Label name "le" is reserved: it has a meaning of its own on a histogram; choose another
TypeError
TypeError
Promshm\Exception\MetricsRegistrationException: fine is already defined as a histogram with labels () and native buckets of schema 3 from 2^-20 to 2^16, and cannot be a histogram with labels () and native buckets of schema 2 from 2^-20 to 2^16 as well: use one definition, or another name
Promshm\Exception\MetricsRegistrationException: fine is already defined as a histogram with labels () and native buckets of schema 3 from 2^-20 to 2^16, and cannot be a histogram with labels () and buckets (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10) as well: use one definition, or another name
