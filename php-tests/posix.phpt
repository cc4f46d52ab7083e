--TEST--
A POSIX segment counts, reports its state, survives its workers, and is wiped
--DESCRIPTION--
It is the only storage where containers share no IPC namespace; a slot is a locked byte of the object, and a forked child must not keep that lock.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=posix:/phpt-${PROMSHM_RUN}-posix
promshm.mode=0600
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Segment};

$jobs = new Counter('jobs_total', 'Jobs.', ['queue']);
$busy = new Gauge('busy', 'Workers.', [], GaugeMode::Sum);
$jobs->inc(['mail']);
$busy->set(1);
$count = function () use ($jobs, $busy) {
    $jobs->inc(['mail']);
    $busy->set(1);
};
$killed = Child::start($count);
$leaves = Child::start($count);
show();
$killed->kill();
$leaves->finish();
show();
$status = Segment::status();
echo str_replace(getenv('PROMSHM_RUN'), 'RUN', $status['segment']), ' ', $status['liveness'], ' slot ', $status['slot'], "\n";
echo json_encode($status['worker_exits']), "\n";
$object = substr(ini_get('promshm.segment'), strlen('posix:/'));
printf("%o\n", fileperms("/dev/shm/$object"));
Segment::wipe();
var_dump(file_exists("/dev/shm/$object"));
$jobs->inc(['mail']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
busy 3
jobs_total{queue="mail"} 3
busy 1
jobs_total{queue="mail"} 3
posix:/phpt-RUN-posix kernel slot 1
{"clean":1,"fatal":0,"abrupt":1}
100600
bool(false)
jobs_total{queue="mail"} 1
