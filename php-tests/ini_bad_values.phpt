--TEST--
An invalid setting warns at startup, names the setting, and the default is used
--DESCRIPTION--
A typo in php.ini must neither stop the workers nor go unnoticed.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}039
--FILE--
<?php
require __DIR__ . '/common.inc';

$bad = [
    'promshm.enabled' => ['maybe', '2'],
    'promshm.segment' => ['', 'nonsense', 'shm:1', 'sysv:', 'sysv:0', 'sysv:xyz', 'sysv:0x100000000', 'sysv:-1'],
    'promshm.size' => ['0', '-1', '1', 'big', '12Q', '99999999999G'],
    'promshm.mode' => ['', '9', 'rw', '01777', '1000', '-1'],
    'promshm.group' => ['no_such_group_here', '-5', '99999999999'],
    'promshm.max_processes' => ['', '0', '-1', '1024', 'many'],
    'promshm.max_series' => ['', '0', '-1', '4000001', 'many'],
    'promshm.max_series_per_metric' => ['', '0', '-1', '4000001', '0%', '101%', '%', 'many'],
    'promshm.overflow_label' => ['', str_repeat('x', 65)],
    'promshm.max_label_length' => ['', '0', '63', '65536', 'long'],
    'promshm.summary_samples' => ['', '0', '-1', '65537', 'many'],
    'promshm.series_ttl' => ['', '-1', '31536001', '1h', 'never'],
    'promshm.runtime_metrics' => ['maybe', '2'],
    'promshm.native_histograms' => ['maybe', '2'],
    'promshm.observe_user' => ['maybe', '2'],
    'promshm.observe_buckets' => ['', '1,x', '2,1', '1,1'],
    'promshm.observe_max_functions' => ['', '0', '-1', '100001', 'many'],
    'promshm.collect' => ['everything', 'requests,nothing', '1'],
];
$defaults = [
    'promshm.enabled' => '1',
    'promshm.segment' => 'sysv:0x70736d31',
    'promshm.size' => '256M',
    'promshm.mode' => '0640',
    'promshm.group' => '',
    'promshm.max_processes' => '256',
    'promshm.max_series' => '10000',
    'promshm.max_series_per_metric' => '10%',
    'promshm.overflow_label' => 'other',
    'promshm.max_label_length' => '1024',
    'promshm.summary_samples' => '1024',
    'promshm.series_ttl' => '0',
    'promshm.runtime_metrics' => '1',
    'promshm.native_histograms' => '0',
    'promshm.observe_user' => '1',
    'promshm.observe_buckets' => '0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10',
    'promshm.observe_max_functions' => '256',
    'promshm.collect' => 'auto',
];
foreach ($bad as $setting => $values) {
    foreach ($values as $value) {
        $output = run_php("echo 'kept ', ini_get('$setting'), PHP_EOL;", [$setting => $value]);
        $warned = preg_match('/^Warning: .*promshm.* in /m', $output) && str_contains($output, $setting);
        $kept = str_contains($output, "kept $defaults[$setting]\n");
        echo "$setting=$value: ", $warned && $kept ? "refused\n" : "ACCEPTED\n$output";
    }
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
promshm.enabled=maybe: refused
promshm.enabled=2: refused
promshm.segment=: refused
promshm.segment=nonsense: refused
promshm.segment=shm:1: refused
promshm.segment=sysv:: refused
promshm.segment=sysv:0: refused
promshm.segment=sysv:xyz: refused
promshm.segment=sysv:0x100000000: refused
promshm.segment=sysv:-1: refused
promshm.size=0: refused
promshm.size=-1: refused
promshm.size=1: refused
promshm.size=big: refused
promshm.size=12Q: refused
promshm.size=99999999999G: refused
promshm.mode=: refused
promshm.mode=9: refused
promshm.mode=rw: refused
promshm.mode=01777: refused
promshm.mode=1000: refused
promshm.mode=-1: refused
promshm.group=no_such_group_here: refused
promshm.group=-5: refused
promshm.group=99999999999: refused
promshm.max_processes=: refused
promshm.max_processes=0: refused
promshm.max_processes=-1: refused
promshm.max_processes=1024: refused
promshm.max_processes=many: refused
promshm.max_series=: refused
promshm.max_series=0: refused
promshm.max_series=-1: refused
promshm.max_series=4000001: refused
promshm.max_series=many: refused
promshm.max_series_per_metric=: refused
promshm.max_series_per_metric=0: refused
promshm.max_series_per_metric=-1: refused
promshm.max_series_per_metric=4000001: refused
promshm.max_series_per_metric=0%: refused
promshm.max_series_per_metric=101%: refused
promshm.max_series_per_metric=%: refused
promshm.max_series_per_metric=many: refused
promshm.overflow_label=: refused
promshm.overflow_label=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: refused
promshm.max_label_length=: refused
promshm.max_label_length=0: refused
promshm.max_label_length=63: refused
promshm.max_label_length=65536: refused
promshm.max_label_length=long: refused
promshm.summary_samples=: refused
promshm.summary_samples=0: refused
promshm.summary_samples=-1: refused
promshm.summary_samples=65537: refused
promshm.summary_samples=many: refused
promshm.series_ttl=: refused
promshm.series_ttl=-1: refused
promshm.series_ttl=31536001: refused
promshm.series_ttl=1h: refused
promshm.series_ttl=never: refused
promshm.runtime_metrics=maybe: refused
promshm.runtime_metrics=2: refused
promshm.native_histograms=maybe: refused
promshm.native_histograms=2: refused
promshm.observe_user=maybe: refused
promshm.observe_user=2: refused
promshm.observe_buckets=: refused
promshm.observe_buckets=1,x: refused
promshm.observe_buckets=2,1: refused
promshm.observe_buckets=1,1: refused
promshm.observe_max_functions=: refused
promshm.observe_max_functions=0: refused
promshm.observe_max_functions=-1: refused
promshm.observe_max_functions=100001: refused
promshm.observe_max_functions=many: refused
promshm.collect=everything: refused
promshm.collect=requests,nothing: refused
promshm.collect=1: refused
