--TEST--
What rewritten functions call is not listed for scripts, and harms nobody who calls it
--DESCRIPTION--
The names begin with a NUL and have a space, so a call must be made by name at run time, and those are ignored. Tools that write a call of
each function that PHP lists must not meet them.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b8
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

echo run_observed('f', <<<'PHP'
    function f() { return array_map('g', [1]); }
    function g() {
        foreach (["\0promshm enter" => ['f'], "\0promshm leave" => []] as $name => $arguments) {
            $name(...$arguments);
            call_user_func_array($name, $arguments);
            ($name(...))(...$arguments);
            Closure::fromCallable($name)(...$arguments);
            (new ReflectionFunction($name))->invoke(...$arguments);
        }
        $leave = "\0promshm leave"; $leave(1, 2);
        try { $enter = "\0promshm enter"; $enter(); $enter([]); } catch (ArgumentCountError) {}
    }
    g(); f(); f();
    echo count(preg_grep('/promshm (enter|leave)/', get_defined_functions()['internal'])), " are listed\n";
    echo function_exists("\0promshm enter") ? "there is one\n" : "";
    PHP), observed();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
0 are listed
there is one
calls{function="f"} 2
in_flight{function="f"} 0
