--TEST--
Worker exits are counted as clean, fatal or abrupt
--DESCRIPTION--
The exit counters must not decrease when a slot gets a new owner.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}04b
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

(new Counter('c_total'))->inc();
function exits(string $how): void
{
    $status = Segment::status();
    echo "$how: ", json_encode($status['worker_exits']), ' of ', $status['worker_starts'], "\n";
}
$inc = '(new Counter("c_total"))->inc();';
run_php($inc);
exits('end of script');
run_php($inc . 'exit(3);');
exits('exit(3)');
run_php($inc . 'throw new Exception("uncaught");');
exits('uncaught exception');
run_php($inc . 'no_such_function();');
exits('undefined function');
run_php($inc . 'str_repeat("x", 1 << 30);', ['memory_limit' => '16M']);
exits('out of memory');
run_php($inc . 'posix_kill(getmypid(), 9);');
exits('SIGKILL');
run_php($inc . 'posix_kill(getmypid(), 11);');
exits('SIGSEGV');
run_php('echo "counts nothing";');
exits('no metrics');
run_php($inc . 'try { throw new Exception("caught"); } catch (Exception) {}');
exits('caught exception');
run_php($inc . 'trigger_error("only a warning", E_USER_WARNING);');
exits('a warning');
run_php('register_shutdown_function(fn () => trigger_error("afterwards", E_USER_WARNING));' . $inc . 'no_such_function();');
exits('a warning after a fatal error');
run_php('register_shutdown_function("error_clear_last");' . $inc . 'no_such_function();');
exits('a fatal error that is cleared');
run_php('register_shutdown_function(fn () => exit(0));' . $inc . 'no_such_function();');
exits('a fatal error, then exit(0)');
run_php($inc . 'trigger_error("enough", E_USER_ERROR);');
exits('a user error');
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
end of script: {"clean":1,"fatal":0,"abrupt":0} of 2
exit(3): {"clean":2,"fatal":0,"abrupt":0} of 3
uncaught exception: {"clean":2,"fatal":1,"abrupt":0} of 4
undefined function: {"clean":2,"fatal":2,"abrupt":0} of 5
out of memory: {"clean":2,"fatal":3,"abrupt":0} of 6
SIGKILL: {"clean":2,"fatal":3,"abrupt":1} of 7
SIGSEGV: {"clean":2,"fatal":3,"abrupt":2} of 8
no metrics: {"clean":2,"fatal":3,"abrupt":2} of 8
caught exception: {"clean":3,"fatal":3,"abrupt":2} of 9
a warning: {"clean":4,"fatal":3,"abrupt":2} of 10
a warning after a fatal error: {"clean":4,"fatal":4,"abrupt":2} of 11
a fatal error that is cleared: {"clean":4,"fatal":5,"abrupt":2} of 12
a fatal error, then exit(0): {"clean":4,"fatal":6,"abrupt":2} of 13
a user error: {"clean":4,"fatal":7,"abrupt":2} of 14
c_total 14
