<?php
// Counts its first argument, as many series as its second one says, and as many metrics as its third one, and in a
// series that claims to be another pod's, if there is a fourth one; says so, and counts what it is told.

use Promshm\{Counter, Gauge};

$jobs = new Counter('jobs_total', 'Jobs done.', ['queue']);
$jobs->incBy((float) $argv[1], ['mail']);
(new Gauge('depth', 'Jobs that wait.'))->set(7);
$many = new Counter('many_total', 'Many series.', ['number']);
for ($i = 0; $i < (int) ($argv[2] ?? 0); $i++) {
    $many->inc([(string) $i]);
}
for ($i = 0; $i < (int) ($argv[3] ?? 0); $i++) {
    (new Counter("metric_{$i}_total", 'One of many.'))->inc();
}
if (isset($argv[4])) {
    $names = ['ipc_namespace', 'namespace', 'node', 'pod', 'instance', 'job'];
    (new Counter('forged_total', 'Claims to be of another pod.', $names))->inc(array_fill(0, count($names), $argv[4]));
}
echo "counted\n";

while (($line = fgets(STDIN)) !== false) {
    $jobs->incBy((float) $line, ['mail']);
    echo "counted\n";
}
