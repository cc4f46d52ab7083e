--TEST--
phpinfo() shows the state of the storage and the settings
--DESCRIPTION--
The first thing that support asks for; php --ri promshm prints the same.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}043
promshm.size=64M
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

function check(string $what, string $pattern, string $text): void
{
    echo $what, preg_match($pattern, $text) ? " is shown\n" : " is missing in:\n$text\n";
}
(new Counter('c_total'))->inc();
ob_start();
phpinfo(INFO_MODULES);
$info = preg_match('/^promshm$.*?(?=^\w+$\n^$|\z)/ms', ob_get_clean(), $match) ? $match[0] : '';
check('status', '/^status => attached$/mi', $info);
check('version', '/^version => ' . preg_quote(phpversion('promshm')) . '$/mi', $info);
check('segment', '/^segment => ' . preg_quote(ini_get('promshm.segment')) . '$/mi', $info);
check('bytes used', '/^.*used.* => .*\d/mi', $info);
check('bytes reserved', '/^.*reserved.* => .*(67108864|64)/mi', $info);
check('series', '/^.*series.* => .*1/mi', $info);
check('dropped', '/^.*dropped.* => .*0/mi', $info);
check('slot', '/^.*slot.* => 1/mi', $info);
check('liveness', '/^.*liveness.* => .*kernel/mi', $info);
foreach (ini_get_all('promshm') as $name => $setting) {
    check($name, '/^' . preg_quote($name) . ' => /m', $info);
}
$ri = shell_exec(php_command() . ' --ri promshm 2>&1');
check('php --ri: status', '/^status => enabled/mi', $ri);
check('php --ri: settings', '/^promshm\.max_series => 10000 => 10000$/m', $ri);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
status is shown
version is shown
segment is shown
bytes used is shown
bytes reserved is shown
series is shown
dropped is shown
slot is shown
liveness is shown
promshm.collect is shown
promshm.enabled is shown
promshm.group is shown
promshm.max_label_length is shown
promshm.max_processes is shown
promshm.max_series is shown
promshm.max_series_per_metric is shown
promshm.mode is shown
promshm.native_histograms is shown
promshm.observe is shown
promshm.observe_buckets is shown
promshm.observe_file is shown
promshm.observe_max_functions is shown
promshm.observe_user is shown
promshm.overflow_label is shown
promshm.runtime_metrics is shown
promshm.segment is shown
promshm.series_ttl is shown
promshm.size is shown
promshm.summary_samples is shown
php --ri: status is shown
php --ri: settings is shown
