--TEST--
A call that forks is its parent's, and a killed worker's calls are in flight no more
--DESCRIPTION--
The child has a copy of all running calls, which are not its own.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b9
promshm.runtime_metrics=0
promshm.observe="outer, usleep, pcntl_fork"
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

eval(<<<'PHP'
    function outer(callable $call) { return $call(); }
    PHP);
outer(function () {
    $pid = pcntl_fork();
    if ($pid === 0) {
        outer(fn () => usleep(1));
        echo sample('php_function_in_flight{function="outer"}'), " in flight beside the child\n";
        exit;
    }
    pcntl_waitpid($pid, $status);
});
echo observed();
$child = Child::start(fn () => null, fn () => outer(function () { echo sample('php_function_in_flight{function="outer"}'), " while it runs\n"; posix_kill(getmypid(), 9); }));
$child->die();
echo sample('php_function_in_flight{function="outer"}'), " after its death\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
1 in flight beside the child
calls{function="outer"} 2
calls{function="pcntl_fork"} 1
calls{function="usleep"} 1
in_flight{function="outer"} 0
in_flight{function="pcntl_fork"} 0
in_flight{function="usleep"} 0
1 while it runs
0 after its death
