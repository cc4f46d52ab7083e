<?php

// A /metrics route of one's own: all metrics of all processes that share the segment, those of this
// request too. Let nobody but Prometheus reach it.

declare(strict_types=1);

use Promshm\Counter;
use Promshm\Segment;

(new Counter('http_requests_total', 'Requests served.', ['path']))->inc([strtok($_SERVER['REQUEST_URI'], '?')]);

if (strtok($_SERVER['REQUEST_URI'], '?') === '/metrics') {
    header('Content-Type: text/plain; version=0.0.4; charset=utf-8');
    echo Segment::render();
    return;
}

echo "Hello.\n";
