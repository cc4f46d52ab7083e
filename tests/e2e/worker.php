<?php
// A worker that does what it is told, one JSON command a line, and reports after each
// what it has counted: a map from series to amount.

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment};

const BUCKETS = [0.25, 1, 4];

$jobs = new Counter('jobs_total', 'Jobs done', ['queue', 'status']);
$bytes = new Counter('sent_bytes_total', 'Bytes sent');
$seconds = new Histogram('job_duration_seconds', 'How long jobs took', ['queue'], BUCKETS);
$inFlight = new Gauge('jobs_in_flight', 'Jobs begun and not ended', [], GaugeMode::Sum);
$level = new Gauge('queue_level', 'Jobs waiting');

/** One job with random labels and numbers; eighths add up without rounding. */
function job(array &$report): void
{
    global $jobs, $bytes, $seconds;
    $queue = ['mail', 'report', 'with "quotes"'][mt_rand(0, 2)];
    $status = ['ok', 'failed'][mt_rand(0, 1)];
    $size = mt_rand(0, 1000) / 8;
    $duration = mt_rand(0, 64) / 8;
    $jobs->inc([$queue, $status]);
    $bytes->incBy($size);
    $seconds->observe($duration, [$queue]);

    add($report, "jobs_total{queue=\"$queue\",status=\"$status\"}", 1);
    add($report, 'sent_bytes_total{}', $size);
    foreach (BUCKETS as $bound) {
        $text = number_format($bound, $bound < 1 ? 2 : 1);
        add($report, "job_duration_seconds_bucket{le=\"$text\",queue=\"$queue\"}", $duration <= $bound ? 1 : 0);
    }
    add($report, "job_duration_seconds_bucket{le=\"+Inf\",queue=\"$queue\"}", 1);
    add($report, "job_duration_seconds_count{queue=\"$queue\"}", 1);
    add($report, "job_duration_seconds_sum{queue=\"$queue\"}", $duration);
}

function add(array &$report, string $series, int|float $amount): void
{
    $report[$series] = ($report[$series] ?? 0) + $amount;
}

while (($line = fgets(STDIN)) !== false) {
    $command = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $report = [];
    switch ($command['do']) {
        case 'jobs':
            mt_srand($command['seed']);
            for ($i = 0; $i < $command['number']; $i++) {
                job($report);
            }
            break;
        case 'begin':
            $inFlight->incBy($command['number']);
            break;
        case 'level':
            $level->set($command['number']);
            break;
        case 'wipe':
            Segment::wipe();
            break;
        case 'status':
            $report = Segment::status() + ['pid' => getmypid(), 'uid' => posix_geteuid()];
            break;
    }
    echo json_encode((object) $report), "\n";
}
