--TEST--
A worker whose only request goes on for long reads opcache's and its own numbers again
--DESCRIPTION--
They are read within calls that are made anyway, every ten seconds, and not only when a request begins or ends. What the cycle collector has freed counts once. Nothing is read while an exception is on its way.
--EXTENSIONS--
opcache
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}9c1
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$file = tempnam(sys_get_temp_dir(), 'promshm');
file_put_contents($file, '<?php function another() {}');
touch($file, time() - 10);
$code = <<<'PHP'
require '%s/common.inc';
function look() {
    $numbers = ['opcache_scripts{sapi="cli"}', 'opcache_last_read_timestamp_seconds{sapi="cli"}', 'gc_collected_total'];
    return array_map(fn ($number) => sample("php_$number"), $numbers);
}
[$scripts, $read] = $before = look();
require '%s';
for ($i = 0; $i < 3; $i++) {
    $cycle = new stdClass;
    $cycle->itself = $cycle;
    unset($cycle);
}
gc_collect_cycles();
$work = new Promshm\Counter('work_total', '');
until(fn () => look()[1] !== $read, function () use ($work) {
    $work->inc();
    try {
        hex2bin([]);
    } catch (TypeError) {
    }
    usleep(100000);
});
[$scripts_now, $read_now, $collected] = look();
var_dump($before[2], $scripts_now - $scripts, $read_now > $read, $collected);
$cycle = new stdClass;
$cycle->itself = $cycle;
unset($cycle);
gc_collect_cycles();
PHP;
echo run_observed('hex2bin', sprintf($code, __DIR__, $file), [
    'promshm.collect' => 'opcache,runtime', 'opcache.enable_cli' => 1, 'opcache.file_update_protection' => 0,
]);
echo sample('php_gc_collected_total'), " in all\n";
unlink($file);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
NULL
int(3)
bool(true)
string(1) "3"
4 in all
