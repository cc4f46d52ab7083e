<?php

// A worker of FrankenPHP: it lives on, and each call of frankenphp_handle_request() waits for one request.
// The metrics are made once, before the loop. Each worker is a thread with a slot of its own, so a page
// has the sum of all of them, and the requests that a crash interrupted leave the gauge by themselves.

declare(strict_types=1);

use Promshm\Counter;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Promshm\Segment;

$served = new Counter('http_requests_total', 'Requests served.', ['status']);
$time = new Histogram('http_request_seconds', 'Time a request takes.');
$busy = new Gauge('http_requests_in_flight', 'Requests being served.', [], GaugeMode::Sum);

/** Stands for your application; /fail is a request that it cannot serve. */
$application = static function (string $path): string {
    if ($path === '/fail') {
        throw new RuntimeException('no such luck');
    }
    return "Hello.\n";
};

// Let nobody but Prometheus reach /metrics, or leave it out: promshm-exporter answers without a worker.
$respond = static function () use ($application): void {
    $path = strtok($_SERVER['REQUEST_URI'], '?');
    http_response_code(200);
    try {
        if ($path === '/metrics') {
            header('Content-Type: text/plain; version=0.0.4; charset=utf-8');
            echo Segment::render();
        } else {
            echo $application($path);
        }
    } catch (Throwable $thrown) {
        http_response_code(500); // FrankenPHP would end the worker for what is not caught
        error_log((string) $thrown);
    }
};

$handler = static function () use ($respond, $served, $time, $busy): void {
    $busy->trackInProgress(static fn () => $time->time($respond));
    $served->inc([(string) http_response_code()]);
};

$most = (int) ($_SERVER['MAX_REQUESTS'] ?? 0);
for ($number = 1; frankenphp_handle_request($handler); $number++) {
    gc_collect_cycles();
    if ($number === $most) {
        break;
    }
}
