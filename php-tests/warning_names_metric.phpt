--TEST--
The warning of metrics that are not stored names the metric that found out, whatever the cause and the call
--DESCRIPTION--
A log line without a name does not say which code counts into a segment that cannot be used.
--EXTENSIONS--
posix
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}7d1
--FILE--
<?php
require __DIR__ . '/common.inc';

const CALLS = [
    '(new Counter("jobs_total"))->inc();' => 'jobs_total',
    '(new Counter("bound_total", "", ["a"]))->labels("x")->incBy(2);' => 'bound_total',
    '(new Gauge("depth"))->set(1);' => 'depth',
    '(new Histogram("seconds"))->observe(1);' => 'seconds',
    '(new Promshm\Summary("sizes"))->observe(1);' => 'sizes',
    '(new Counter("gone_total"))->remove();' => 'gone_total',
    '(new Counter("many_total", "", ["a"]))->clear();' => 'many_total',
    '(new Counter("first_total"))->inc(); (new Counter("second_total"))->inc();' => 'first_total',
];

/** Whether a process says "promshm: $metric and all other metrics are not stored: …" once, with a cause that has $word. */
function names_it(string $code, string $metric, string $word, array $settings = []): bool
{
    $said = run_php($code, $settings);
    $found = preg_match_all('/promshm: (\S+) and all other metrics are not stored: (.*)/', $said, $warnings);
    $is_right = $found === 1 && $warnings[1] === [$metric] && str_contains($warnings[2][0], $word);
    return $is_right || print("$metric, $word: $said\n") === 0;
}

shmop_write(shmop_open(segment_key(), 'n', 0666, 1 << 20), 'not promshm', 0);
echo 'each call: ';
echo array_sum(array_map(fn ($code, $metric) => names_it($code, $metric, "not promshm's"), array_keys(CALLS), CALLS)), "\n";

$inc = '(new Counter("jobs_total"))->inc();';
remove_segment();
$sizes = ['promshm.size' => '1M', 'promshm.max_series' => '100000'];
echo 'too small: ', names_it($inc, 'jobs_total', 'promshm.size is', $sizes), "\n";
shmop_write(shmop_open(segment_key(), 'n', 0666, 16), 'sixteen bytes ok', 0);
echo 'short: ', names_it($inc, 'jobs_total', 'segment sysv:'), "\n";
remove_segment();
// Root may open any segment, so the child continues as another user. PHP warns others that they may not open it themselves.
@shmop_open(segment_key(), 'n', 0000, 1 << 20);
$other = 'if (posix_geteuid() === 0) { posix_setgid(65534); posix_setuid(65534); } ';
echo 'no permission: ', names_it($other . $inc, 'jobs_total', 'belongs to uid'), "\n";
remove_segment();
$full = 'posix_setrlimit(POSIX_RLIMIT_NOFILE, 32, 32); $files = []; while ($file = @fopen("/dev/null", "r")) { $files[] = $file; } ';
$posix = ['promshm.segment' => 'posix:/promshm-test-' . getenv('PROMSHM_RUN') . '7d1'];
echo 'refused: ', names_it($full . $inc, 'jobs_total', 'the kernel refuses', $posix), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
each call: 8
too small: 1
short: 1
no permission: 1
refused: 1
