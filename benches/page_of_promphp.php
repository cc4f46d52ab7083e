<?php
// A page of PromPHP: php page_of_promphp.php STORAGE SERIES PAGES. Counts once into each series, then makes the page,
// and prints the least milliseconds of CPU time that a page took, and its bytes.

use Prometheus\RenderTextFormat;

require __DIR__ . '/libraries.php';
ini_set('memory_limit', '-1');

/** Milliseconds of this process's CPU time. */
function cpu_time(): float
{
    $usage = getrusage();
    return ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) * 1e3 + ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']) / 1e3;
}

[, $storage, $series, $pages] = $argv;
$registry = promphp($storage);
$jobs = $registry->registerCounter('app', 'jobs_total', 'Jobs done.', ['queue', 'job', 'status']);
for ($row = 0; $row < (int) $series; $row++) {
    $jobs->incBy($row % 1000 + 1, ['queue-' . $row % 50, sprintf('App\Jobs\Handler%07d', $row), 'succeeded']);
}
$least = INF;
$page = '';
for ($round = 0; $round < (int) $pages; $round++) {
    $start = cpu_time();
    $page = (new RenderTextFormat())->render($registry->getMetricFamilySamples());
    $least = min($least, cpu_time() - $start);
}
if (substr_count($page, "\napp_jobs_total{") !== (int) $series) {
    throw new RuntimeException("the page lacks series:\n" . substr($page, 0, 1000));
}
echo "ms=$least bytes=", strlen($page), "\n";
