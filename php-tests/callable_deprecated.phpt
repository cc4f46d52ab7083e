--TEST--
A deprecated callable raises one deprecation notice
--DESCRIPTION--
The argument was checked and then called, and each step raised the deprecation of "self" in callables.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}20c
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, Histogram};

final class Service
{
    public static function run(): void
    {
        (new Histogram('h', '', [], [60]))->time('self::work');
        (new Gauge('g'))->trackInProgress('self::work');
    }

    public static function work(): void
    {
        echo "work\n";
    }

    private function hidden(): void
    {
    }
}
$told = 0;
set_error_handler(function (int $kind) use (&$told): bool {
    $told += $kind === E_DEPRECATED ? 1 : 0;
    return true;
});
Service::run();
var_dump($told === (PHP_VERSION_ID >= 80200 ? 2 : 0));
restore_error_handler();
attempt_in_full(fn () => (new Histogram('h', '', [], [60]))->time('no_such_function'));
attempt_in_full(fn () => (new Histogram('h', '', [], [60]))->time([new Service(), 'hidden']));
attempt_in_full(fn () => (new Histogram('h', '', [], [60]))->time(null));
attempt_in_full(fn () => (new Histogram('h', '', [], [60]))->time());
attempt(fn () => (new Histogram('h', '', [], [60]))->time(fn () => 1, 'labels'), '#2 ($labels)');
echo preg_replace('/^h_sum .*\n/m', '', samples());
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
work
work
bool(true)
TypeError: Promshm\Histogram::time(): Argument #1 ($fn) must be a valid callback, function "no_such_function" not found or invalid function name
TypeError: Promshm\Histogram::time(): Argument #1 ($fn) must be a valid callback, cannot access private method Service::hidden()
TypeError: Promshm\Histogram::time(): Argument #1 ($fn) must be a valid callback, no array or string given
ArgumentCountError: Promshm\Histogram::time() expects at least 1 argument, 0 given
TypeError
g 0
h_bucket{le="60.0"} 1
h_bucket{le="+Inf"} 1
h_count 1
