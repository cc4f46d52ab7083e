--TEST--
What rewritten functions call is not for scripts, and harms nobody who calls it
--DESCRIPTION--
The names have a space, so a call must be made by name at run time, and those are ignored.
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
        foreach (['promshm enter' => ['f'], 'promshm leave' => []] as $name => $arguments) {
            $name(...$arguments);
            call_user_func_array($name, $arguments);
            ($name(...))(...$arguments);
            Closure::fromCallable($name)(...$arguments);
            (new ReflectionFunction($name))->invoke(...$arguments);
        }
        $leave = 'promshm leave'; $leave(1, 2);
        try { $enter = 'promshm enter'; $enter(); $enter([]); } catch (ArgumentCountError) {}
    }
    g(); f(); f();
    PHP), observed();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
calls{function="f"} 2
in_flight{function="f"} 0
