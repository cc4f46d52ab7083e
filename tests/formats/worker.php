<?php
// Counts what is awkward to write, once, and waits for the end of its input.

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Summary};

$jobs = new Counter('jobs_total', "Jobs \"done\",\nby class \\ queue.", ['class', 'queue']);
$jobs->incBy(3, ['App\\Job\\"Mail"', "größe ✓\n2"]);
$jobs->incBy(0.1, ['', 'mail'], ['trace_id' => "a \"trace\",\n\\ ünlike others", 'span_id' => 7]);

(new Counter('cpu_seconds_total', 'CPU time.'))->incBy(12.5);
(new Counter('plain', 'A counter without the usual ending.'))->incBy(42, exemplar: ['trace_id' => 'not shown']);

$numbers = new Gauge('numbers', 'All sorts.', ['kind']);
foreach (['zero' => 0, 'negative' => -2.5, 'large' => 1e20, 'larger' => 1e21, 'tiny' => 5e-324,
    'third' => 1 / 3, 'inf' => INF, 'minus_inf' => -INF] as $kind => $number) {
    $numbers->set($number, [$kind]);
}
(new Gauge('level_nan', 'Not a number.'))->set(NAN);
(new Gauge('open', 'Per process.', [], GaugeMode::All))->set(7);

$seconds = new Histogram('job_seconds', 'How long jobs took.', ['queue'], [0.005, 1, 1e6]);
foreach (['first' => 0.001, 'second' => 0.5, 'third' => 1, 'fourth' => 7, 'last' => 1e7] as $id => $duration) {
    $seconds->observe($duration, ['mail'], $id === 'fourth' ? null : ['trace_id' => $id]);
}
$degrees = new Histogram('degrees_celsius', 'Below zero too.', [], [-1, 1]);
$degrees->observe(-90.5);
$degrees->observe(2);

$bytes = new Summary('job_bytes', 'How large jobs were.', ['queue'], 600, [0.5, 0.9]);
foreach ([3, 1, 4, 2] as $size) {
    $bytes->observe($size, ['mail']);
}
(new Summary('drift_celsius', 'Below zero too.', [], 600, [0.5]))->observe(-2);

// Two names that OpenMetrics takes for one.
(new Gauge('clash', 'The first one stays.'))->set(1);
(new Counter('clash_total', 'The second is left out of OpenMetrics.'))->inc();

echo "counted\n";
stream_get_contents(STDIN);
