--TEST--
Buckets that do not increase are refused
--DESCRIPTION--
Cumulative counts over unsorted bounds make quantiles that are nonsense, and nobody would notice.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}01b
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

foreach ([[], [INF], [1, 1], [2, 1], [1, NAN], [-INF, 1], [1, INF, 2]] as $buckets) {
    attempt(fn () => new Histogram('h', '', [], $buckets));
}
foreach ([['x'], [null], [[]], [1, new stdClass()]] as $buckets) {
    try {
        new Histogram('h', '', [], $buckets);
        echo "accepted\n";
    } catch (InvalidArgumentException | TypeError) {
        echo "refused\n";
    }
}
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
refused
refused
refused
refused
