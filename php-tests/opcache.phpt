--TEST--
Totals are equal without opcache, with it, and with both kinds of JIT
--DESCRIPTION--
The JIT calls native methods by its own code path, and assumes types that a handler must not change.
--EXTENSIONS--
opcache
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}04f
--FILE--
<?php
require __DIR__ . '/common.inc';

$modes = [
    'off' => ['opcache.enable_cli' => 0],
    'on' => ['opcache.enable_cli' => 1, 'opcache.jit' => 'disable'],
    'tracing' => ['opcache.enable_cli' => 1, 'opcache.jit' => 'tracing', 'opcache.jit_buffer_size' => '32M'],
    'function' => ['opcache.enable_cli' => 1, 'opcache.jit' => 'function', 'opcache.jit_buffer_size' => '32M'],
];
foreach ($modes as $mode => $settings) {
    $outputs[$mode] = run_script('workload.inc', $settings + ['opcache.jit_hot_loop' => 8, 'opcache.jit_hot_func' => 8]);
    echo $mode, ': ', strtok($outputs[$mode], "\n"), "\n";
}
echo count(array_unique(array_map(fn ($text) => strstr($text, "\n"), $outputs))) === 1 ? "same numbers\n" : implode("\n", $outputs);
echo strstr($outputs['function'], "\n");
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
off: opcache off, JIT off
on: opcache on, JIT off
tracing: opcache on, JIT on
function: opcache on, JIT on
same numbers

c_total{a="x",b="1"} 24000
c_total{a="y",b="1"} 9000
g{a="unbound"} 1
h_bucket{le="9.0"} 1500
h_bucket{le="+Inf"} 3000
h_sum 28500
h_count 3000
