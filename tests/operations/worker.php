<?php
// Counts what its arguments say, as NAME=AMOUNT, says so, and waits for the end of its input.

use Promshm\{Counter, Gauge, Histogram};

[, $kind, $amount] = $argv;
$jobs = new Counter('jobs_total', 'Jobs done.', ['queue']);
$jobs->incBy((float) $amount, ['mail']);
(new Histogram('job_seconds', 'Time a job takes.', [], [0.5, 1]))->observe(0.25);
(new Counter('labelled_total', 'Has a label of that name.', ['segment']))->incBy(1, ['theirs']);
match ($kind) {
    'gauge' => (new Gauge('depth', 'A gauge here.'))->set(7),
    'counter' => (new Counter('depth', 'A counter there.'))->incBy(7),
    'many' => many(),
};
echo "counted\n";

/** A page that no connection's buffers take at once. */
function many(): void
{
    $many = new Counter('many_total', 'Many series.', ['number', 'text']);
    for ($i = 0; $i < 8000; $i++) {
        $many->inc([(string) $i, str_repeat('x', 1000)]);
    }
}

while (($line = fgets(STDIN)) !== false) {
    $jobs->incBy((float) $line, ['mail']);
    echo "counted\n";
}
