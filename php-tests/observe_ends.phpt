--TEST--
However a call ends, it is counted once and is in flight no more
--DESCRIPTION--
`exit` and fatal errors skip `finally`; fibers and generators end out of order, or are destroyed; destructors throw; a limit of time or memory ends what runs.
Without PHP's own allocator, as under valgrind, nothing limits memory: a size that no number can hold is as fatal.
--ENV--
PROMSHM_ENDS=.fatal
PROMSHM_WATCHED=20
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b3
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$cases = [
    'exit in nested calls' => 'function inner() { exit(3); } function outer() { inner(); } outer();',
    'exit in a callback' => 'function inner() { exit(3); } usort($GLOBALS["list"], fn () => inner());',
    'fatal error' => 'function inner() { eval("class A { abstract function f(); }"); } function outer() { inner(); } outer();',
    'time limit' => 'set_time_limit(1); function outer() { while (true); } outer();',
    'memory limit' => 'ini_set("memory_limit", "4M"); function outer() { str_repeat("abc", getenv("USE_ZEND_ALLOC") === "0" ? PHP_INT_MAX : 1 << 24); } outer();',
    'uncaught exception' => 'function outer() { throw new LogicException("x"); } outer();',
    'exception in a destructor' => 'class D { function __destruct() { throw new LogicException("x"); } } function outer() { $d = new D; return 1; } try { outer(); } catch (LogicException) {}',
    'finally replaces the exception' => 'function outer() { try { throw new LogicException("x"); } finally { return 1; } } outer();',
    'caught within' => 'function outer() { try { throw new LogicException("x"); } catch (LogicException) { return 1; } } outer();',
    'fibers in turn' => 'function outer() { Fiber::suspend(); return 1; } $a = new Fiber("outer"); $b = new Fiber("outer"); $a->start(); $b->start(); $a->resume(); $b->resume();',
    'fiber destroyed' => 'function outer() { Fiber::suspend(); return 1; } $a = new Fiber("outer"); $a->start(); unset($a); gc_collect_cycles();',
    'fiber left' => 'function outer() { Fiber::suspend(); return 1; } $a = new Fiber("outer"); $a->start();',
    'fiber left by a fatal error' => 'function outer() { Fiber::suspend(); return 1; } $a = new Fiber("outer"); $a->start(); eval("class A { abstract function f(); }");',
    'internal function in a fiber' => '$a = new Fiber(fn () => usort($GLOBALS["list"], fn () => Fiber::suspend() ?? 0)); $a->start(); $b = new Fiber(fn () => usort($GLOBALS["list"], fn () => Fiber::suspend() ?? 0)); $b->start(); $a->resume(); unset($b);',
    'exception in a generator' => 'function outer() { yield 1; yield 2; } $g = outer(); $g->current(); try { $g->throw(new LogicException("x")); } catch (LogicException) {}',
    'generator delegates' => 'function inner() { yield 1; yield 2; } function outer() { yield from inner(); yield 3; } foreach (outer() as $x);',
    'deep recursion' => 'function outer($n) { return $n ? outer($n - 1) : 0; } outer(3000);',
    'shutdown function' => 'function inner() {} function outer() { exit; } register_shutdown_function("inner"); outer();',
];
foreach ($cases as $case => $code) {
    $output = run_observed('inner, outer, usort', "\$list = [2, 1];\n$code", ['display_errors' => '0']);
    echo rtrim("$case: $output"), "\n", observed();
    Promshm\Segment::wipe();
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
exit in nested calls:
calls{function="inner"} 1
calls{function="outer"} 1
in_flight{function="inner"} 0
in_flight{function="outer"} 0
exit in a callback:
calls{function="inner"} 1
calls{function="usort"} 1
in_flight{function="inner"} 0
in_flight{function="usort"} 0
fatal error:
calls{function="inner"} 1
calls{function="outer"} 1
errors_total{function="inner",exception="fatal"} 1
errors_total{function="outer",exception="fatal"} 1
in_flight{function="inner"} 0
in_flight{function="outer"} 0
time limit:
calls{function="outer"} 1
errors_total{function="outer",exception="fatal"} 1
in_flight{function="outer"} 0
memory limit:
calls{function="outer"} 1
errors_total{function="outer",exception="fatal"} 1
in_flight{function="outer"} 0
uncaught exception:
calls{function="outer"} 1
errors_total{function="outer",exception="LogicException"} 1
in_flight{function="outer"} 0
exception in a destructor:
calls{function="outer"} 1
in_flight{function="outer"} 0
finally replaces the exception:
calls{function="outer"} 1
in_flight{function="outer"} 0
caught within:
calls{function="outer"} 1
in_flight{function="outer"} 0
fibers in turn:
calls{function="outer"} 2
in_flight{function="outer"} 0
fiber destroyed:
calls{function="outer"} 1
in_flight{function="outer"} 0
fiber left:
calls{function="outer"} 1
in_flight{function="outer"} 0
fiber left by a fatal error:
calls{function="outer"} 1
errors_total{function="outer",exception="fatal"} 1
in_flight{function="outer"} 0
internal function in a fiber:
calls{function="usort"} 2
in_flight{function="usort"} 0
exception in a generator:
calls{function="outer"} 1
errors_total{function="outer",exception="LogicException"} 1
in_flight{function="outer"} 0
generator delegates:
calls{function="inner"} 1
calls{function="outer"} 1
in_flight{function="inner"} 0
in_flight{function="outer"} 0
deep recursion:
calls{function="outer"} 3001
in_flight{function="outer"} 0
shutdown function:
calls{function="inner"} 1
calls{function="outer"} 1
in_flight{function="inner"} 0
in_flight{function="outer"} 0
