--TEST--
Wrong arguments give PHP's own messages
--DESCRIPTION--
The handlers read their arguments by hand; people must not see a difference to any other PHP method.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}030
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram, Segment};

$c = new Counter('c_total');
$g = new Gauge('g');
$h = new Histogram('h', '', [], [1]);
attempt_in_full(fn () => $c->inc('x'));
attempt_in_full(fn () => $c->inc(null));
attempt_in_full(fn () => $c->inc([], 1));
attempt_in_full(fn () => $c->inc([], [], 1));
attempt_in_full(fn () => $c->inc(nonsense: []));
attempt_in_full(fn () => $c->incBy());
attempt_in_full(fn () => $c->incBy('abc'));
attempt_in_full(fn () => $c->incBy([]));
attempt_in_full(fn () => $c->incBy(1, 'x'));
attempt_in_full(fn () => $c->incBy(1, [], 2));
attempt_in_full(fn () => $c->incBy(1, [], [], 2));
attempt_in_full(fn () => $c->remove('x'));
attempt_in_full(fn () => $c->getName(1));
attempt_in_full(fn () => $c->getHelp(1));
attempt_in_full(fn () => $c->getLabelNames(1));
attempt_in_full(fn () => $c->getType(1));
attempt_in_full(fn () => $g->set());
attempt_in_full(fn () => $g->set('abc'));
attempt_in_full(fn () => $g->set(1, 2));
attempt_in_full(fn () => $g->incBy('abc'));
attempt_in_full(fn () => $g->dec(1));
attempt_in_full(fn () => $g->decBy());
attempt_in_full(fn () => $g->setToCurrentTime(1));
attempt_in_full(fn () => $h->observe());
attempt_in_full(fn () => $h->observe([]));
attempt_in_full(fn () => $h->observe(1, 1));
attempt_in_full(fn () => $h->observe(1, [], 'x'));
attempt_in_full(fn () => Histogram::getDefaultBuckets(1));
attempt_in_full(fn () => Histogram::exponentialBuckets(1, 2));
attempt_in_full(fn () => Histogram::linearBuckets('x', 1, 1));
attempt_in_full(fn () => Segment::status(1));
attempt_in_full(fn () => Segment::render(1));
attempt_in_full(fn () => Segment::wipe(1));
echo '[', samples(), "]\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
TypeError: Promshm\Counter::inc(): Argument #1 ($labels) must be of type array, string given
TypeError: Promshm\Counter::inc(): Argument #1 ($labels) must be of type array, null given
TypeError: Promshm\Counter::inc(): Argument #2 ($exemplar) must be of type ?array, int given
ArgumentCountError: Promshm\Counter::inc() expects at most 2 arguments, 3 given
Error: Unknown named parameter $nonsense
ArgumentCountError: Promshm\Counter::incBy() expects at least 1 argument, 0 given
TypeError: Promshm\Counter::incBy(): Argument #1 ($value) must be of type int|float, string given
TypeError: Promshm\Counter::incBy(): Argument #1 ($value) must be of type int|float, array given
TypeError: Promshm\Counter::incBy(): Argument #2 ($labels) must be of type array, string given
TypeError: Promshm\Counter::incBy(): Argument #3 ($exemplar) must be of type ?array, int given
ArgumentCountError: Promshm\Counter::incBy() expects at most 3 arguments, 4 given
TypeError: Promshm\Counter::remove(): Argument #1 ($labels) must be of type array, string given
ArgumentCountError: Promshm\Counter::getName() expects exactly 0 arguments, 1 given
ArgumentCountError: Promshm\Counter::getHelp() expects exactly 0 arguments, 1 given
ArgumentCountError: Promshm\Counter::getLabelNames() expects exactly 0 arguments, 1 given
ArgumentCountError: Promshm\Counter::getType() expects exactly 0 arguments, 1 given
ArgumentCountError: Promshm\Gauge::set() expects at least 1 argument, 0 given
TypeError: Promshm\Gauge::set(): Argument #1 ($value) must be of type float, string given
TypeError: Promshm\Gauge::set(): Argument #2 ($labels) must be of type array, int given
TypeError: Promshm\Gauge::incBy(): Argument #1 ($value) must be of type int|float, string given
TypeError: Promshm\Gauge::dec(): Argument #1 ($labels) must be of type array, int given
ArgumentCountError: Promshm\Gauge::decBy() expects at least 1 argument, 0 given
TypeError: Promshm\Gauge::setToCurrentTime(): Argument #1 ($labels) must be of type array, int given
ArgumentCountError: Promshm\Histogram::observe() expects at least 1 argument, 0 given
TypeError: Promshm\Histogram::observe(): Argument #1 ($value) must be of type float, array given
TypeError: Promshm\Histogram::observe(): Argument #2 ($labels) must be of type array, int given
TypeError: Promshm\Histogram::observe(): Argument #3 ($exemplar) must be of type ?array, string given
ArgumentCountError: Promshm\Histogram::getDefaultBuckets() expects exactly 0 arguments, 1 given
ArgumentCountError: Promshm\Histogram::exponentialBuckets() expects exactly 3 arguments, 2 given
TypeError: Promshm\Histogram::linearBuckets(): Argument #1 ($start) must be of type float, string given
ArgumentCountError: Promshm\Segment::status() expects exactly 0 arguments, 1 given
ArgumentCountError: Promshm\Segment::render() expects exactly 0 arguments, 1 given
ArgumentCountError: Promshm\Segment::wipe() expects exactly 0 arguments, 1 given
[c_total 0
h_bucket{le="1.0"} 0
h_bucket{le="+Inf"} 0
h_sum 0
h_count 0
]
