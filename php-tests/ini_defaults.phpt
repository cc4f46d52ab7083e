--TEST--
The settings have their documented defaults, and are PHP_INI_SYSTEM
--DESCRIPTION--
A script must not point a running process at other memory. No segment is touched here.
--FILE--
<?php
foreach (ini_get_all('promshm') as $name => $setting) {
    echo "$name = \"{$setting['global_value']}\"", $setting['access'] === INI_SYSTEM ? '' : ' CHANGEABLE', "\n";
    if (@ini_set($name, '1') !== false) {
        echo "  ini_set() works\n";
    }
}
?>
--EXPECT--
promshm.collect = "auto"
promshm.enabled = "1"
promshm.group = ""
promshm.max_label_length = "1024"
promshm.max_processes = "256"
promshm.max_series = "10000"
promshm.max_series_per_metric = "10%"
promshm.mode = "0640"
promshm.native_histograms = "0"
promshm.observe = ""
promshm.observe_buckets = "0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10"
promshm.observe_file = ""
promshm.observe_max_functions = "256"
promshm.observe_user = "1"
promshm.overflow_label = "other"
promshm.runtime_metrics = "1"
promshm.segment = "sysv:0x70736d31"
promshm.series_ttl = "0"
promshm.size = "256M"
promshm.summary_samples = "1024"
