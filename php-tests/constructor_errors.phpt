--TEST--
Wrong constructor arguments give PHP's own messages
--DESCRIPTION--
As for methods; a failed constructor must also leave nothing behind that crashes when it is freed.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}031
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

attempt_in_full(fn () => new Counter());
attempt_in_full(fn () => new Counter([]));
attempt_in_full(fn () => new Counter('c_total', []));
attempt_in_full(fn () => new Counter('c_total', '', 'label'));
attempt_in_full(fn () => new Counter('c_total', '', [], 1));
attempt_in_full(fn () => new Gauge());
attempt_in_full(fn () => new Gauge('g', '', [], 'sum'));
attempt_in_full(fn () => new Gauge('g', '', [], GaugeMode::Sum, 1));
attempt_in_full(fn () => new Histogram());
attempt_in_full(fn () => new Histogram('h', '', [], 5));
attempt_in_full(fn () => new Histogram('h', '', [], [1], 1));
gc_collect_cycles();
echo "alive\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
ArgumentCountError: Promshm\Counter::__construct() expects at least 1 argument, 0 given
TypeError: Promshm\Counter::__construct(): Argument #1 ($name) must be of type string, array given
TypeError: Promshm\Counter::__construct(): Argument #2 ($help) must be of type string, array given
TypeError: Promshm\Counter::__construct(): Argument #3 ($labelNames) must be of type array, string given
ArgumentCountError: Promshm\Counter::__construct() expects at most 3 arguments, 4 given
ArgumentCountError: Promshm\Gauge::__construct() expects at least 1 argument, 0 given
TypeError: Promshm\Gauge::__construct(): Argument #4 ($mode) must be of type Promshm\GaugeMode, string given
ArgumentCountError: Promshm\Gauge::__construct() expects at most 4 arguments, 5 given
ArgumentCountError: Promshm\Histogram::__construct() expects at least 1 argument, 0 given
TypeError: Promshm\Histogram::__construct(): Argument #4 ($buckets) must be of type ?array, int given
ArgumentCountError: Promshm\Histogram::__construct() expects at most 4 arguments, 5 given
alive
