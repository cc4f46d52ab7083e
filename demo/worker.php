<?php
// One worker of the demo: takes made-up jobs from made-up queues, and counts.

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

// Queue => [jobs a second, seconds a job takes on average, share of jobs that fail]
const QUEUES = [
    'mail' => [6.0, 0.02, 0.01],
    'image' => [2.0, 0.12, 0.03],
    'report' => [0.5, 0.40, 0.08],
];

$processed = new Counter('jobs_processed_total', 'Jobs taken from a queue and ended.', ['queue', 'status']);
$duration = new Histogram('job_duration_seconds', 'Time from taking a job to its end.', ['queue']);
$inFlight = new Gauge('jobs_in_flight', 'Jobs being worked on right now.', ['queue'], GaugeMode::Sum);
$depth = new Gauge('queue_depth', 'Jobs waiting, as the last worker to look saw it.', ['queue']);
$memory = new Gauge('worker_memory_bytes', 'Memory of each living worker.', [], GaugeMode::All);
$success = new Gauge('job_last_success_timestamp_seconds', 'When a job last succeeded.', ['queue'], GaugeMode::Max);

/** A number between 0 and 1. */
function chance(): float
{
    return mt_rand() / mt_getrandmax();
}

/** A queue's name, more often the busier the queue is. */
function pick_queue(): string
{
    $at = chance() * array_sum(array_column(QUEUES, 0));
    foreach (QUEUES as $queue => [$rate]) {
        if (($at -= $rate) <= 0) {
            return $queue;
        }
    }
    return array_key_last(QUEUES);
}

/** What a real worker would do: here it only takes time, and sometimes fails. */
function work(string $queue): void
{
    [, $seconds, $failing] = QUEUES[$queue];
    usleep((int) (-log(1 - chance() * 0.999) * $seconds * 1e6));
    if (chance() < $failing) {
        throw new RuntimeException("a job of $queue failed");
    }
}

$stop = false;
if (function_exists('pcntl_async_signals')) {
    pcntl_async_signals(true);
    foreach ([SIGINT, SIGTERM] as $signal) {
        pcntl_signal($signal, function () use (&$stop) {
            $stop = true;
        });
    }
}

while (!$stop) {
    $queue = pick_queue();
    $depth->set(mt_rand(0, 40), [$queue]);
    $inFlight->inc([$queue]);
    $start = microtime(true);
    try {
        work($queue);
        $processed->inc([$queue, 'ok']);
        $success->setToCurrentTime([$queue]);
    } catch (RuntimeException) {
        $processed->inc([$queue, 'failed']);
    } finally {
        $duration->observe(microtime(true) - $start, [$queue]);
        $inFlight->dec([$queue]);
    }
    $memory->set(memory_get_usage());
}
