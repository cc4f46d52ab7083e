--TEST--
Histogram::startTimer() and time() observe durations
--DESCRIPTION--
A timer observes once, when observeDuration() is called; time() also observes when the function throws, and returns its value or throws its exception.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Histogram, Timer};

$h = new Histogram('h', '', ['a'], [60]);

$before = hrtime(true);
$timer = $h->startTimer(['x']);
$inner = hrtime(true);
$h->startTimer(['never observed']);
$inner = (hrtime(true) - $inner) / 1e9;
$seconds = $timer->observeDuration();
$outer = (hrtime(true) - $before) / 1e9;
// Between the two, within the drift between this clock and the timer's.
var_dump($timer instanceof Timer, $seconds >= $inner * 0.999, $seconds <= $outer * 1.001);
var_dump($timer->observeDuration() === $seconds);
var_dump((float) sample('h_sum{a="x"}') === $seconds);

var_dump($h->labels('bound')->startTimer()->observeDuration() >= 0);
var_dump($h->time(fn () => 'its value', ['x']), $h->labels('bound')->time('time') > 1e9);
attempt_in_full(fn () => $h->time(fn () => throw new DomainException('its own'), ['a' => 'x']));

/** A label that must be converted once, before the function runs. */
$label = new class {
    public int $asked = 0;

    public function __toString(): string
    {
        echo "label\n";
        return 'object ' . ++$this->asked;
    }
};
$h->time(function () {
    echo "function\n";
}, [$label]);

foreach (['x', 'bound', 'object 1', 'never observed'] as $a) {
    echo "$a: ", sample("h_count{a=\"$a\"}") ?? 'nothing', "\n";
}

// Invalid arguments throw before the function runs.
attempt_in_full(fn () => $h->time(fn () => print('ran'), []));
attempt(fn () => $h->startTimer(['x', 'y']), 'h needs 1 label value');
attempt(fn () => $h->time('no such function', ['x']), 'valid callback');
attempt(fn () => new Timer(), 'private');
attempt(fn () => clone $timer);
attempt(fn () => (new ReflectionClass(Timer::class))->newInstanceWithoutConstructor());

// A function that ends the script is observed as well.
register_shutdown_function(fn () => print(sample('h_count{a="exit"}') . "\n"));
$h->time(fn () => exit, ['exit']);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
string(9) "its value"
bool(true)
DomainException: its own
label
function
x: 3
bound: 2
object 1: 1
never observed: nothing
Promshm\Exception\InvalidArgumentException: h needs 1 label value (a), 0 given: pass one for each, in this order or keyed by name
Promshm\Exception\InvalidArgumentException
TypeError
Error
Error
ReflectionException
1
