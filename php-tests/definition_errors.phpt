--TEST--
Invalid metric and label names throw
--DESCRIPTION--
One bad name fails the whole scrape. The message names the bad part.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}01f
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Summary};

foreach (['', '1abc', 'with-dash', 'with space', "line\nbreak", 'é', "nul\0byte", "\xff"] as $name) {
    attempt(fn () => new Counter($name));
    attempt(fn () => new Gauge($name));
    attempt(fn () => new Histogram($name));
}
echo "labels\n";
foreach (['', '1a', 'a:b', 'a-b', 'é', "a\0", '__reserved'] as $label) {
    attempt(fn () => new Counter('c_total', '', [$label]), str_contains($label, "\0") ? '' : $label);
    attempt(fn () => new Gauge('g', '', ['fine', $label]));
    attempt(fn () => new Histogram('h', '', [$label]));
}
attempt(fn () => new Histogram('h', '', ['le']), 'le');
attempt(fn () => new Summary('s', '', ['quantile']), 'quantile');
echo "others\n";
attempt(fn () => new Counter('c_total', '', ['twice', 'other', 'twice']), 'twice');
attempt(fn () => new Counter('c_total', '', [1]));
attempt(fn () => new Gauge('g', '', ['pid'], GaugeMode::All), 'pid');
attempt(fn () => new Counter(str_repeat('a', 5000)));
attempt(fn () => new Counter('c_total', '', array_map(fn ($n) => "l$n", range(1, 1000))));
echo "allowed\n";
attempt(fn () => new Counter('a:b_C9', '', ['_x', 'A9', 'pid']));
attempt(fn () => new Gauge('ok', '', ['pid']));
attempt(fn () => new Gauge('ok2', '', ['le', 'quantile']));
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
labels
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
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
others
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
allowed
nothing thrown
nothing thrown
nothing thrown
