--TEST--
A summary's quantiles cover all processes and only recent observations
--DESCRIPTION--
Observations of a killed worker count until they are too old; its count and sum stay for ever.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a8
promshm.summary_samples=4
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Summary;

$s = new Summary('s', '', [], 600, [0.5, 0.99]);
$short = new Summary('short', '', [], 5, [0.5]);
$observe = function (float ...$values) use ($s, $short) {
    foreach ($values as $value) {
        $s->observe($value);
        $short->observe($value);
    }
};
$child = Child::start(fn () => $observe(1, 2, 3));
$observe(10, 20);
echo sample('s{quantile="0.5"}'), ' ', sample('s{quantile="0.99"}'), ' ', sample('s_sum'), ' ', sample('s_count'), "\n";
$child->kill();
echo sample('s{quantile="0.5"}'), ' ', sample('s_count'), "\n";

// The slot's next owner continues in the same four places: 1 is overwritten.
Child::start(fn () => $observe(4, 5))->finish();
echo sample('s{quantile="0.5"}'), ' ', sample('s_sum'), ' ', sample('s_count'), "\n";

// This process has four places of its own: 10 and 20 are overwritten.
$observe(6, 6, 6, 6);
echo sample('s{quantile="0.5"}'), ' ', sample('s{quantile="0.99"}'), ' ', sample('s_count'), "\n";

// Samples expire without an update.
until(fn () => sample('short{quantile="0.5"}') === 'NaN', fn () => usleep(10_000));
echo sample('short{quantile="0.5"}'), ' ', sample('short_sum'), ' ', sample('short_count'), "\n";
$observe(7);
echo sample('short{quantile="0.5"}'), ' ', sample('short_count'), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
3 20 36 5
3 5
4 45 7
5 6 11
NaN 69 11
7 12
