--TEST--
Segment::status() reports the state of the storage
--DESCRIPTION--
Names and types are the API of dashboards and support scripts.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}02b
promshm.size=64M
promshm.max_series=100
promshm.max_processes=8
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Segment};

(new Counter('c_total', '', ['a']))->inc(['x']);
(new Gauge('g'))->set(1);
$status = Segment::status();
foreach ($status as $key => $value) {
    echo "$key ", get_debug_type($value), "\n";
}
var_dump($status['enabled'], $status['attached']);
var_dump($status['segment'] === sprintf('sysv:0x%08x', segment_key()));
var_dump($status['error'], $status['reserved_bytes']);
var_dump($status['used_bytes'] > 0 && $status['used_bytes'] < $status['reserved_bytes']);
var_dump($status['series'], $status['max_series'], $status['slot'], $status['max_processes']);
var_dump($status['liveness'], $status['unstored_updates'], $status['worker_starts']);
echo json_encode($status['families']), "\n";
echo json_encode($status['dropped']), ' ', json_encode($status['worker_exits']), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
enabled bool
attached bool
segment string
error null
other_settings array
reserved_bytes int
used_bytes int
series int
hidden_series int
max_series int
families array
overflows array
dropped array
truncated_labels int
slot int
max_processes int
liveness string
unstored_updates int
worker_starts int
worker_exits array
bool(true)
bool(true)
bool(true)
NULL
int(67108864)
bool(true)
int(2)
int(100)
int(1)
int(8)
string(6) "kernel"
int(0)
int(1)
{"c_total":1,"g":1}
{"series_limit":0,"segment_full":0,"too_many_buckets":0,"corrupt":0,"summary_sample":0,"exemplar":0} {"clean":0,"fatal":0,"abrupt":0}
