<?php
// Counts a few jobs each 20 ms until its input ends, so that a page has something to show.

use Promshm\{Counter, Gauge, GaugeMode, Histogram};

$jobs = new Counter('jobs_processed_total', 'Jobs taken from a queue and ended.', ['queue', 'status']);
$seconds = new Histogram('job_duration_seconds', 'Time from taking a job to its end.', ['queue']);
$sent = new Counter('mail_sent_bytes_total', 'Bytes of mail sent.');
$depth = new Gauge('queue_depth', 'Jobs waiting, as the last worker to look saw it.', ['queue']);
$memory = new Gauge('worker_memory_bytes', 'Memory of each living worker.', [], GaugeMode::All);
if (!isset($argv[1])) { // with a word it is a plain worker, for pictures
    $hostile = new Gauge('hostile', 'What <b>labels</b> & help may hold.', ['text']);
    $hostile->set(1, ["<img src=x onerror=alert(1)> \"quoted\" back\\slash\nnewline {x=\"y\"} größe ✓"]);
} else {
    $render = new Histogram('mail_render_seconds', 'Time to render a mail.');
}

stream_set_blocking(STDIN, false);
for ($turn = 0; !feof(STDIN); $turn++) {
    fread(STDIN, 1);
    foreach (['mail' => 0.02, 'image' => 0.12, 'report' => 0.4] as $queue => $mean) {
        $jobs->inc([$queue, mt_rand(0, 19) ? 'ok' : 'failed']);
        $seconds->observe(-log(1 - mt_rand() / (mt_getrandmax() + 1)) * $mean, [$queue]);
        $depth->set(20 + 15 * sin($turn / 40 + $mean * 10) + mt_rand(0, 5), [$queue]);
    }
    $sent->incBy(mt_rand(900, 4000));
    $memory->set(memory_get_usage());
    if ($turn === 0) {
        echo "counting\n";
    }
    if (isset($render)) { // so it is busy for a part of its time
        $render->time(fn () => usleep(mt_rand(2000, 12000)));
    }
    usleep(20000);
}
