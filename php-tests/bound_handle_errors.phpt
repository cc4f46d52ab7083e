--TEST--
Label arguments to a bound handle are refused
--DESCRIPTION--
It would be unclear whether they add to the bound ones or replace them.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}00e
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram};

$c = (new Counter('c_total', '', ['a']))->labels('x');
$g = (new Gauge('g', '', ['a']))->labels('x');
$h = (new Histogram('h', '', ['a'], [1]))->labels('x');
attempt(fn () => $c->inc(['y']), 'c_total');
attempt(fn () => $c->inc(['a' => 'x']), 'c_total');
attempt(fn () => $c->incBy(1, ['y']), 'c_total');
attempt(fn () => $c->labels('y'), 'c_total');
attempt(fn () => $c->remove(['y']), 'c_total');
attempt(fn () => $g->set(1, ['y']), 'g');
attempt(fn () => $g->inc(['y']), 'g');
attempt(fn () => $g->incBy(1, ['y']), 'g');
attempt(fn () => $g->dec(['y']), 'g');
attempt(fn () => $g->decBy(1, ['y']), 'g');
attempt(fn () => $g->setToCurrentTime(['y']), 'g');
attempt(fn () => $g->labels('y'), 'g');
attempt(fn () => $g->remove(['y']), 'g');
attempt(fn () => $h->observe(1, ['y']), 'h');
attempt(fn () => $h->labels('y'), 'h');
attempt(fn () => $h->remove(['y']), 'h');
echo '[', samples(), "]\n";
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
[c_total{a="x"} 0
h_bucket{a="x",le="1.0"} 0
h_bucket{a="x",le="+Inf"} 0
h_sum{a="x"} 0
h_count{a="x"} 0
]
