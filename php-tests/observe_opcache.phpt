--TEST--
The same numbers without opcache, with it, and with both kinds of JIT
--DESCRIPTION--
Compiled code is kept and shared, so a literal in it says which function it is. Traces begin and end within rewritten functions.
--EXTENSIONS--
opcache
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0ba
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$workload = file_get_contents(__DIR__ . '/observe_user.inc');
$modes = [
    'off' => ['opcache.enable_cli' => 0],
    'on' => ['opcache.enable_cli' => 1, 'opcache.jit' => 'disable'],
    'tracing' => ['opcache.enable_cli' => 1, 'opcache.jit' => 'tracing', 'opcache.jit_buffer_size' => '32M'],
    'function' => ['opcache.enable_cli' => 1, 'opcache.jit' => 'function', 'opcache.jit_buffer_size' => '32M'],
];
foreach ($modes as $mode => $settings) {
    $code = 'echo "' . $mode . ': ", opcache_get_status(false) ? "on " : "off ", (opcache_get_status(false)["jit"]["on"] ?? false) ? "JIT" : "-", "\n"; for ($i = 0; $i < 20; $i++) { ob_start(); require "WORK"; ob_end_clean(); }';
    $file = tempnam(sys_get_temp_dir(), 'promshm');
    file_put_contents($file, <<<'PHP'
        <?php
        if (!function_exists('square')) {
            function square($x) { if ($x === 7) { throw new RangeException; } return $x * $x; }
            function total($n) { $t = 0; for ($i = 0; $i < $n; $i++) { try { $t += square($i) + strrev("12"); } catch (RangeException) {} } return $t; }
        }
        if (total(50) !== 41405) { echo "WRONG\n"; }
        PHP);
    touch($file, time() - 10);
    $jit = array_fill_keys(['opcache.jit_hot_loop', 'opcache.jit_hot_func', 'opcache.jit_hot_return', 'opcache.jit_hot_side_exit'], 1);
    echo run_observed('square, total, strrev', str_replace('WORK', $file, $code), $settings + $jit + ['opcache.optimization_level' => '0x7FFEBFFF']);
    unlink($file);
    $results[$mode] = observed();
    Promshm\Segment::wipe();
}
echo count(array_unique($results)) === 1 ? 'all alike' : var_export($results, true), "\n", $results['off'];

// Code that was cached with one list is not used with another.
$cache = sys_get_temp_dir() . '/promshm-cache-' . getmypid();
mkdir($cache);
$file = "$cache/script.php";
file_put_contents($file, '<?php function one() {} function two() {} one(); two();');
touch($file, time() - 10);
foreach (['one', 'two', 'two', 'one', ''] as $list) {
    run_observed($list, "require '$file';", ['opcache.enable_cli' => 1, 'opcache.file_cache' => $cache, 'opcache.file_cache_only' => 1]);
    echo "$list: ", preg_replace('/^in_flight.*\n/m', '', observed());
    Promshm\Segment::wipe();
}
exec('rm -r ' . escapeshellarg($cache));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
off: off -
on: on -
tracing: on JIT
function: on JIT
all alike
calls{function="square"} 1000
calls{function="strrev"} 980
calls{function="total"} 20
errors_total{function="square",exception="RangeException"} 20
in_flight{function="square"} 0
in_flight{function="strrev"} 0
in_flight{function="total"} 0
one: calls{function="one"} 1
two: calls{function="two"} 1
two: calls{function="two"} 1
one: calls{function="one"} 1
:
