<?php

// An example of a queue worker: takes made-up jobs, counts them, and ends when it is told to.
//
//   JOBS         how many jobs to do; 0 goes on until SIGTERM
//   JOB_SECONDS  how long one takes
//   QUEUE        the queue's name

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

function setting(string $name, string $default): string
{
    $value = getenv($name);
    return $value === false || $value === '' ? $default : $value;
}

$jobs = (int) setting('JOBS', '0');
$seconds = (float) setting('JOB_SECONDS', '0.1');
$queue = setting('QUEUE', 'mail');

$processed = (new Counter('jobs_processed_total', 'Jobs taken from a queue and ended.', ['queue', 'status']))
    ->labels($queue, 'ok');
$duration = (new Histogram('job_duration_seconds', 'Time from taking a job to its end.', ['queue']))
    ->labels($queue);
$inFlight = (new Gauge('jobs_in_flight', 'Jobs being worked on right now.', ['queue'], GaugeMode::Sum))
    ->labels($queue);

$stop = false;
pcntl_async_signals(true);
foreach ([SIGINT, SIGTERM] as $signal) {
    pcntl_signal($signal, function () use (&$stop) {
        $stop = true;
    });
}

for ($done = 0; !$stop && ($jobs === 0 || $done < $jobs); $done++) {
    $inFlight->inc();
    $start = hrtime(true);
    usleep((int) ($seconds * 1e6)); // what a real worker would do
    $processed->inc();
    $duration->observe((hrtime(true) - $start) / 1e9);
    $inFlight->dec();
}
