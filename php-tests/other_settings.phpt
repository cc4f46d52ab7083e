--TEST--
A process with other settings than its segment tells the log once, and status() and phpinfo() always
--DESCRIPTION--
Its settings were silently ignored. The limit of series holds from the next generation on; all others need a new segment.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}6a1
promshm.size=64M
promshm.max_series=100
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['n']);
$c->inc([1]);
echo json_encode(Segment::status()['other_settings']), "\n";
$log = __DIR__ . '/other_settings.tmp';
$other = [
    'promshm.size' => '128M',
    'promshm.max_series' => '200',
    'promshm.series_ttl' => '60',
    'log_errors' => '1',
    'error_log' => $log,
];
$count = '(new Counter("c_total", "", ["n"]))->inc([2]); echo json_encode(Segment::status()["other_settings"]), "\n";';
echo run_php($count, ['log_errors' => '0'] + $other), file_exists($log) ? "logged\n" : "no log is kept\n";
echo run_php($count, $other), run_php($count, $other), run_php($count);
$told = file_get_contents($log);
echo str_replace(ini_get('promshm.segment'), 'NAME', preg_replace('/^\[.*?\] /m', '', $told));
$info = run_php('(new ReflectionExtension("promshm"))->info();', $other);
echo preg_match('/^Settings => this process has other settings than segment .*promshm-exporter rm/m', $info), "\n";
$info = run_php('(new ReflectionExtension("promshm"))->info();');
echo preg_match('/^Settings => the segment\'s own$/m', $info), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/clean.inc';
@unlink(__DIR__ . '/other_settings.tmp');
?>
--EXPECT--
[]
{"promshm.size":{"configured":134217728,"segment":67108864,"next_generation":false},"promshm.max_series":{"configured":200,"segment":100,"next_generation":true},"promshm.series_ttl":{"configured":60,"segment":0,"next_generation":false}}
no log is kept
{"promshm.size":{"configured":134217728,"segment":67108864,"next_generation":false},"promshm.max_series":{"configured":200,"segment":100,"next_generation":true},"promshm.series_ttl":{"configured":60,"segment":0,"next_generation":false}}
{"promshm.size":{"configured":134217728,"segment":67108864,"next_generation":false},"promshm.max_series":{"configured":200,"segment":100,"next_generation":true},"promshm.series_ttl":{"configured":60,"segment":0,"next_generation":false}}
[]
promshm: this process has other settings than segment NAME, whose own hold: promshm.size is 134217728 here and 67108864 there, promshm.max_series is 200 here and 100 there, promshm.series_ttl is 60 here and 0 there; promshm.max_series holds from the segment's next generation on, which Promshm\Segment::compact() begins; the rest needs a new segment: stop the workers with the former settings, then run `promshm-exporter rm --segment NAME` as the segment's owner; counters begin at 0 there
1
1
