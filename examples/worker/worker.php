<?php

// A worker without a framework. It finishes its job when it is told to stop, so that its exit counts as clean.

declare(strict_types=1);

use Promshm\Counter;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;

require $argv[1] ?? __DIR__ . '/vendor/autoload.php';

$done = new Counter('worker_jobs_total', 'Jobs done.', ['queue', 'status']);
$busy = new Gauge('worker_jobs_in_flight', 'Jobs being worked on.', [], GaugeMode::Sum);
$time = (new Histogram('worker_job_seconds', 'Time a job takes.', ['queue']))->labels('mail');
$ok = $done->labels('mail', 'ok');
$failed = $done->labels('mail', 'failed');

$isRunning = true;
$stop = function () use (&$isRunning): void {
    $isRunning = false;
};
pcntl_async_signals(true);
pcntl_signal(SIGTERM, $stop);
pcntl_signal(SIGINT, $stop);

/** Stands for a message of your queue; every tenth fails. */
function work(int $number): void
{
    usleep(1000);
    if ($number % 10 === 9) {
        throw new RuntimeException("job $number failed");
    }
}

for ($number = 0; $isRunning; $number++) {
    try {
        $busy->trackInProgress(fn () => $time->time(fn () => work($number)));
        $ok->inc();
    } catch (RuntimeException) {
        $failed->inc();
    }
}
