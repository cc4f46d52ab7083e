--TEST--
Series that a handle knows by arrays, keys, strings and integers are counted anew after the segment was removed
--DESCRIPTION--
What is remembered are addresses in the memory of the former segment, which is still mapped or not any more.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}2a2
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram};

$jobs = new Counter('jobs_total', '', ['queue', 'status']);
$seconds = new Histogram('job_seconds', '', ['queue', 'status'], [1]);
[$queue, $status, $number] = ['mail', '200', 200];
$forms = [
    'literal list' => fn () => $jobs->inc(['mail', '200']),
    'list' => fn () => $jobs->inc([$queue, $status]),
    'list with an integer' => fn () => $jobs->inc([$queue, $number]),
    'literal keys' => fn () => $jobs->inc(['status' => '200', 'queue' => 'mail']),
    'keys' => fn () => $jobs->inc(['queue' => $queue, 'status' => $status]),
    'labels()' => fn () => $jobs->labels($queue, $status)->inc(),
];
$all = function (int $times) use ($forms, $seconds): void {
    for ($i = 0; $i < $times; $i++) {
        foreach ($forms as $count) {
            $count();
        }
        $seconds->observe(0.5, ['mail', '200']);
    }
};
foreach ($forms as $name => $count) {
    $all(20);
    remove_segment();
    until(fn () => kernel_row() !== null, $count);
    $all(20);
    echo $name, ': ', sample('jobs_total{queue="mail",status="200"}');
    echo ', ', sample('job_seconds_count{queue="mail",status="200"}'), "\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
literal list: 121, 20
list: 121, 20
list with an integer: 121, 20
literal keys: 121, 20
keys: 121, 20
labels(): 121, 20
