<?php

// A worker with the series of fifteen queues, and as many further ones as its argument says: the page that
// the simulated exporters imitate. Lives until its input ends.

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

$jobs = new Counter('jobs_processed_total', 'Jobs taken from a queue and ended.', ['queue', 'status']);
$time = new Histogram('job_duration_seconds', 'Time from taking a job to its end.', ['queue']);
$busy = new Gauge('jobs_in_flight', 'Jobs being worked on right now.', ['queue'], GaugeMode::Sum);
for ($queue = 1; $queue <= 15; $queue++) {
    $jobs->inc(["queue-$queue", 'ok']);
    $jobs->inc(["queue-$queue", 'failed']);
    $time->observe(0.01, ["queue-$queue"]);
    $busy->set(1, ["queue-$queue"]);
}
$calls = new Counter('api_calls_total', 'Calls to other services.', ['service', 'method', 'code']);
for ($call = 0; $call < (int) $argv[1]; $call++) {
    $calls->inc(['service-' . intdiv($call, 6), ['GET', 'POST'][$call % 2], ['200', '404', '500'][intdiv($call, 2) % 3]]);
}
echo "counted\n";
fgets(STDIN);
