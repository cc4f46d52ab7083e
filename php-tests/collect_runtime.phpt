--TEST--
What opcache and the process tell is in the metrics, where it may be asked
--DESCRIPTION--
opcache.restrict_api forbids scripts elsewhere to ask, and so it does here, without a warning.
--EXTENSIONS--
opcache
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0be
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

foreach (['', '/nowhere'] as $folder) {
    echo run_observed('', 'set_error_handler(fn () => exit("a handler")); $a = new stdClass; $a->a = $a; unset($a); gc_collect_cycles();', [
        'promshm.collect' => 'opcache,runtime', 'opcache.enable_cli' => 1, 'opcache.restrict_api' => $folder,
    ]);
    preg_match_all('/^(php_\w+)(\{.*\})? (\S+)$/m', Promshm\Segment::render(), $found, PREG_SET_ORDER);
    foreach ($found as [, $name, $labels, $value]) {
        echo $name, $labels, ' ', $name === 'php_gc_collected_total' ? $value : (is_numeric($value) && $value >= 0 ? 'is a number' : $value), "\n";
    }
    Promshm\Segment::wipe();
    echo "--\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
php_gc_collected_total 1
php_gc_roots is a number
php_opcache_hits{sapi="cli"} is a number
php_opcache_interned_strings_bytes{sapi="cli",state="free"} is a number
php_opcache_interned_strings_bytes{sapi="cli",state="used"} is a number
php_opcache_jit_buffer_bytes{sapi="cli",state="free"} is a number
php_opcache_jit_buffer_bytes{sapi="cli",state="used"} is a number
php_opcache_keys{sapi="cli"} is a number
php_opcache_last_read_timestamp_seconds{sapi="cli"} is a number
php_opcache_max_keys{sapi="cli"} is a number
php_opcache_memory_bytes{sapi="cli",state="free"} is a number
php_opcache_memory_bytes{sapi="cli",state="used"} is a number
php_opcache_memory_bytes{sapi="cli",state="wasted"} is a number
php_opcache_misses{sapi="cli"} is a number
php_opcache_restarts{sapi="cli",reason="hash"} is a number
php_opcache_restarts{sapi="cli",reason="manual"} is a number
php_opcache_restarts{sapi="cli",reason="oom"} is a number
php_opcache_scripts{sapi="cli"} is a number
php_realpath_cache_bytes is a number
--
php_gc_collected_total 1
php_gc_roots is a number
php_realpath_cache_bytes is a number
--
