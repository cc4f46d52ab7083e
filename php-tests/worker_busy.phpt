--TEST--
A worker publishes how long it is busy with observed functions and timed work, and how long it is not
--DESCRIPTION--
What runs within other work or beside it counts once, whichever way it ends; a suspended generator does not work, a suspended fiber
waits as other calls do. Published about once a second, so loops wait for that.
--EXTENSIONS--
pcntl
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0d7
promshm.observe="outer, inner, childs, steps, count(counted)"
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram};

eval(<<<'PHP'
    function counted(callable $call) { return $call(); }
    function inner(?callable $call = null) { usleep(1000); return $call ? $call() : null; }
    function outer(?callable $call = null) { inner(); inner(); return $call ? $call() : null; }
    function childs() { usleep(1000); }
    function steps() { inner(); yield 1; usleep(1000); yield 2; inner(); yield 3; }
    PHP);

function of_me(string $name): ?float
{
    return told()['php_worker_' . $name . '_seconds_total{pid="' . getmypid() . '"}'] ?? null;
}
/** The seconds that are in these histograms. */
function spent(string ...$series): float
{
    return array_sum(array_map(fn ($one) => (float) sample($one), $series));
}
/** Returns the busy time that is published next, which changes the idle time. */
function busy(): float
{
    $counter = new Counter('c');
    $idle = of_me('idle');
    $calls = function () use ($counter) {
        usleep(10_000);
        for ($i = 0; $i < 1000; $i++) {
            $counter->inc();
        }
    };
    until(fn () => of_me('idle') !== $idle, $calls);
    return of_me('busy') ?? -1;
}
/** Whether the busy time is that. */
function check(string $what, float $expected): void
{
    $busy = busy();
    echo "$what: ", abs($busy - $expected) < 1e-6 ? "once\n" : "$busy instead of $expected\n";
}
function caught(callable $call): void
{
    try {
        $call();
    } catch (LogicException) {
    }
}

(new Counter('c'))->inc();
counted(fn () => 1);
busy();
var_dump(of_me('busy'), of_me('idle') > 0);

$expected = fn () => spent('php_function_duration_seconds_sum{function="outer"}');
$fails = fn () => throw new LogicException('x');

outer();
outer(fn () => counted(fn () => inner()));
counted(fn () => outer());
caught(fn () => outer($fails));
check('observed within observed', $expected());

// What a script times, within what is observed and around it.
[$around, $within, $never] = [new Histogram('around'), new Histogram('within'), new Histogram('never')];
$before = $expected();
$more = fn () => spent('around_sum') + $before;
$around->time(fn () => outer(fn () => $within->time(fn () => inner())));
caught(fn () => $around->time($fails));
$timer = $around->startTimer();
$within->time(fn () => usleep(1000));
inner(fn () => $within->startTimer()->observeDuration());
$timer->observeDuration();
$timer->observeDuration();
$never->startTimer();
usleep(1000);
check('timed', $more());
$busy = $more();

// One that began within a call, and outlives it; and one that began before a call that outlives it.
$outlives = fn () => spent('outlives_sum');
[$histogram, $start] = [new Histogram('outlives'), hrtime(true)];
$timer = null;
outer(function () use (&$timer, $histogram) {
    $timer = $histogram->startTimer();
    usleep(1000);
});
usleep(1000);
$timer->observeDuration();
$timer = $histogram->startTimer();
usleep(1000);
outer(fn () => $timer->observeDuration());
[$now, $most] = [busy() - $busy, (hrtime(true) - $start) / 1e9];
echo 'overlapping: ', $now > 0.007 && $now < $most ? "once\n" : "$now of $most\n";

// A generator runs from its first step to its end, and nobody tells when it works: what it calls does, and who calls it.
$of_inner = fn () => spent('php_function_duration_seconds_sum{function="inner"}');
[$busy, $before] = [of_me('busy'), $of_inner()];
foreach (steps() as $step) {
    usleep(1000);
}
$left = steps();
$left->current();
usleep(1000);
check('within a generator', $busy + $of_inner() - $before);
[$busy, $before] = [of_me('busy'), $expected()];
outer(fn () => iterator_count(steps()));
outer(fn () => $left->next());
unset($left);
check('around a generator', $busy + $expected() - $before);

// A fiber that is suspended within a call.
[$busy, $before] = [of_me('busy'), $expected()];
$fiber = new Fiber(fn () => outer(fn () => Fiber::suspend()));
$fiber->start();
usleep(3000);
$fiber->resume();
check('suspended in a fiber', $busy + $expected() - $before);

// Two that run side by side, at once for three sleeps at least.
[$first, $before] = [$expected(), of_me('busy')];
[$a, $b] = [new Fiber(fn () => outer(fn () => Fiber::suspend())), new Fiber(fn () => outer(fn () => Fiber::suspend()))];
$a->start();
$b->start();
usleep(1000);
$a->resume();
$b->resume();
[$more, $both] = [busy() - $before, $expected() - $first];
echo 'side by side: ', $more >= $both / 2 && $more < $both - 0.0029 ? "once\n" : "$more of $both\n";

$start = hrtime(true);
$timer = $around->startTimer();
outer(function () use ($start, $timer) {
    $pid = pcntl_fork();
    if ($pid > 0) {
        pcntl_waitpid($pid, $status);
        return;
    }
    childs();
    echo 'in a forked child: ', abs(of_me('busy') - spent('php_function_duration_seconds_sum{function="childs"}')) < 1e-6 ? "once\n" : "not\n";
    $timer->observeDuration();
    $busy = busy();
    $sum = $busy + of_me('idle');
    echo $busy > 0.001 && $sum > $busy && $sum < (hrtime(true) - $start) / 1e9 * 1.001 ? "busy or idle\n" : "$sum in all\n";
    exit;
});
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
float(0)
bool(true)
observed within observed: once
timed: once
overlapping: once
within a generator: once
around a generator: once
suspended in a fiber: once
side by side: once
in a forked child: once
busy or idle
