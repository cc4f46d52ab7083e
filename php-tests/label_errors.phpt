--TEST--
Labels that do not match the definition throw, and nothing is counted
--DESCRIPTION--
A wrong number or name of labels is a mistake in the program. It must throw, name the metric, and never update a wrong series.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}00b
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['queue', 'status']);
$plain = new Counter('plain_total');
$bad = [
    'none' => [],
    'too few' => ['mail'],
    'too many' => ['mail', 'ok', 'more'],
    'wrong name' => ['queue' => 'mail', 'state' => 'ok'],
    'one name missing' => ['queue' => 'mail'],
    'one name too many' => ['queue' => 'mail', 'status' => 'ok', 'more' => 'x'],
    'half keyed' => ['queue' => 'mail', 0 => 'ok'],
    'numbers that are no list' => [5 => 'mail', 6 => 'ok'],
];
foreach ($bad as $case => $labels) {
    echo "$case: ";
    attempt(fn () => $c->inc($labels), 'c_total');
    attempt(fn () => $c->incBy(2, $labels), 'c_total');
}
echo "too few bound: ";
attempt(fn () => $c->labels('mail'), 'c_total');
echo "too many bound: ";
attempt(fn () => $c->labels('mail', 'ok', 'more'), 'c_total');
echo "none bound: ";
attempt(fn () => $c->labels(), 'c_total');
echo "on a plain counter: ";
attempt(fn () => $plain->inc(['x']), 'plain_total');
echo "on a plain counter, keyed: ";
attempt(fn () => $plain->inc(['x' => 'y']), 'plain_total');
echo "on a plain counter, bound: ";
attempt(fn () => $plain->labels('x'), 'plain_total');
echo "remove: ";
attempt(fn () => $c->remove(['mail']), 'c_total');
echo '[', samples(), "]\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
none: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
too few: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
too many: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
wrong name: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
one name missing: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
one name too many: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
half keyed: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
numbers that are no list: Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
too few bound: Promshm\Exception\InvalidArgumentException
too many bound: Promshm\Exception\InvalidArgumentException
none bound: Promshm\Exception\InvalidArgumentException
on a plain counter: Promshm\Exception\InvalidArgumentException
on a plain counter, keyed: Promshm\Exception\InvalidArgumentException
on a plain counter, bound: Promshm\Exception\InvalidArgumentException
remove: Promshm\Exception\InvalidArgumentException
[plain_total 0
]
