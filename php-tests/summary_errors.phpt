--TEST--
Invalid summary windows and quantiles throw
--DESCRIPTION--
The rules are PromPHP's: quantiles increase between 0 and 1, the window is longer than nothing, quantile is no label.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a7
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Segment, Summary};

foreach ([[], [0.5, 0.5], [0.9, 0.5], [0], [1], [-0.5], [1.5], [NAN], ['half'], [[]]] as $quantiles) {
    attempt_in_full(fn () => new Summary('s', '', [], 600, $quantiles));
}
foreach ([0, -1, PHP_INT_MAX] as $age) {
    attempt_in_full(fn () => new Summary('s', '', [], $age));
}
attempt(fn () => new Summary('s', '', ['quantile']), 'quantile', 'reserved', 'summary');
attempt(fn () => new Summary('s', '', ['a', 'a']), 'twice');
attempt(fn () => new Summary('s', '', [], 'long'), 'maxAgeSeconds');
attempt(fn () => new Summary('s', '', [], 600, 0.5), 'quantiles');

$s = new Summary('s', '', ['a'], '60', ['0.5', 0.75]);
attempt_in_full(fn () => new Summary('s', '', ['a'], 61, [0.5, 0.75]));
attempt_in_full(fn () => new Summary('s', '', ['a'], 60, [0.5]));
attempt(fn () => $s->observe(1), 'needs 1 label value');
attempt(fn () => $s->observe('fast', ['x']), 'float');
attempt(fn () => $s->labels('x')->observe(1, ['y']), 'bound');
attempt(fn () => clone $s);
var_dump(Segment::status()['attached']);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\InvalidArgumentException: A summary needs at least one quantile
Promshm\Exception\InvalidArgumentException: Summary quantiles must be increasing numbers: 0.5 is followed by 0.5
Promshm\Exception\InvalidArgumentException: Summary quantiles must be increasing numbers: 0.9 is followed by 0.5
Promshm\Exception\InvalidArgumentException: A summary's quantile must be between 0 and 1, got 0
Promshm\Exception\InvalidArgumentException: A summary's quantile must be between 0 and 1, got 1
Promshm\Exception\InvalidArgumentException: A summary's quantile must be between 0 and 1, got -0.5
Promshm\Exception\InvalidArgumentException: A summary's quantile must be between 0 and 1, got 1.5
Promshm\Exception\InvalidArgumentException: A summary's quantile must be between 0 and 1, got NaN
Promshm\Exception\InvalidArgumentException: Summary quantiles must be a list of numbers
Promshm\Exception\InvalidArgumentException: Summary quantiles must be a list of numbers
Promshm\Exception\InvalidArgumentException: maxAgeSeconds must be from 1 to 4294967295, got 0
Promshm\Exception\InvalidArgumentException: maxAgeSeconds must be from 1 to 4294967295, got -1
Promshm\Exception\InvalidArgumentException: maxAgeSeconds must be from 1 to 4294967295, got 9223372036854775807
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
TypeError
TypeError
Promshm\Exception\MetricsRegistrationException: s is already defined as a summary with labels (a) and maxAgeSeconds 60 and quantiles (0.5, 0.75), and cannot be a summary with labels (a) and maxAgeSeconds 61 and quantiles (0.5, 0.75) as well: use one definition, or another name
Promshm\Exception\MetricsRegistrationException: s is already defined as a summary with labels (a) and maxAgeSeconds 60 and quantiles (0.5, 0.75), and cannot be a summary with labels (a) and maxAgeSeconds 60 and quantiles (0.5) as well: use one definition, or another name
Promshm\Exception\InvalidArgumentException
TypeError
Promshm\Exception\InvalidArgumentException
Error
bool(true)
