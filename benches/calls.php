<?php
// One way of counting, many times: php calls.php VARIANT ROUNDS. Each variant is a loop of its own,
// so that nothing but the call is inside it. Several, one a line, run one after the other. Without a known variant it
// lists them all.

require __DIR__ . '/libraries.php';

use Promshm\{CollectorRegistry, Counter, Gauge, GaugeMode, Histogram, NativeHistogram, Summary};

[$variant, $rounds] = [$argv[1] ?? '', (int) ($argv[2] ?? 0)];
[$method, $status] = ['GET', '200'];

final class Userland
{
    private float $value = 0;

    public function inc(): void
    {
        $this->value += 1;
    }
}

$variants = [
    'empty loop' => function (int $n) { for ($i = 0; $i < $n; $i++) { } },
    'C: nothing()' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->nothing(); } },
    'C: inc()' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(); } },
    'C: incBy(1.5)' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->incBy(1.5); } },
    "C: incLabels(['GET', '200'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->incLabels(['GET', '200']); } },
    'C: incLabels([$m, $s])' => function (int $n, $x, $m, $s) { for ($i = 0; $i < $n; $i++) { $x->incLabels([$m, $s]); } },
    "C: incLabels(['queue' => 'mail', 'status' => 'ok'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->incLabels(['queue' => 'mail', 'status' => 'ok']); } },
    "C: incLabels(['method' => \$m, 'status' => \$s])" => function (int $n, $x, $m, $s) { for ($i = 0; $i < $n; $i++) { $x->incLabels(['method' => $m, 'status' => $s]); } },
    "C: incLabels(['u' . (\$i & 15), '200'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->incLabels(['u' . ($i & 15), '200']); } },
    "C: incLabels(['u' . (\$i & 255), '200'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->incLabels(['u' . ($i & 255), '200']); } },
    'C: new Floor()' => function (int $n) { for ($i = 0; $i < $n; $i++) { new Floor(); } },
    'C: call($f)' => function (int $n, $x) { $f = function () { }; for ($i = 0; $i < $n; $i++) { $x->call($f); } },
    'PHP method' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(); } },
    '$a[\'k\']++' => function (int $n) { $a = ['k' => 0]; for ($i = 0; $i < $n; $i++) { $a['k']++; } },
    'bound inc()' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(); } },
    "inc(['GET', '200'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(['GET', '200']); } },
    'inc([$m, $s])' => function (int $n, $x, $m, $s) { for ($i = 0; $i < $n; $i++) { $x->inc([$m, $s]); } },
    'labels($m, $s)->inc()' => function (int $n, $x, $m, $s) { for ($i = 0; $i < $n; $i++) { $x->labels($m, $s)->inc(); } },
    "inc(['queue' => 'mail', 'status' => 'ok'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(['queue' => 'mail', 'status' => 'ok']); } },
    "inc(['method' => \$m, 'status' => \$s])" => function (int $n, $x, $m, $s) { for ($i = 0; $i < $n; $i++) { $x->inc(['method' => $m, 'status' => $s]); } },
    "inc(['GET', \$status]), an int" => function (int $n, $x, $m, $s) { $status = (int) $s; for ($i = 0; $i < $n; $i++) { $x->inc(['GET', $status]); } },
    "inc(['u' . (\$i & 15), '200'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(['u' . ($i & 15), '200']); } },
    "inc(['u' . (\$i & 15), 200])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(['u' . ($i & 15), 200]); } },
    "inc(['u' . (\$i & 255), '200'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(['u' . ($i & 255), '200']); } },
    "incBy(1.5, ['queue' => 'mail', 'status' => 'ok'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->incBy(1.5, ['queue' => 'mail', 'status' => 'ok']); } },
    'bound incBy(1.5)' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->incBy(1.5); } },
    'Gauge::set(1.5), mode sum' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->set(1.5); } },
    'Gauge::set(1.5), mode last' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->set(1.5); } },
    'bound observe(0.3), 14 buckets' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->observe(0.3); } },
    'bound observe(0.3), 60 buckets' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->observe(0.3); } },
    'bound NativeHistogram::observe(0.3)' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->observe(0.3); } },
    "observe(0.3, ['GET', '200'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->observe(0.3, ['GET', '200']); } },
    "observe(0.3, ['queue' => 'mail', 'status' => 'ok'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->observe(0.3, ['queue' => 'mail', 'status' => 'ok']); } },
    'startTimer(), observeDuration()' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $t = $x->startTimer(); $t->observeDuration(); } },
    "startTimer(['mail', 'ok']), observeDuration()" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $t = $x->startTimer(['mail', 'ok']); $t->observeDuration(); } },
    'time($f)' => function (int $n, $x) { $f = function () { }; for ($i = 0; $i < $n; $i++) { $x->time($f); } },
    "time(\$f, ['mail', 'ok'])" => function (int $n, $x) { $f = function () { }; for ($i = 0; $i < $n; $i++) { $x->time($f, ['mail', 'ok']); } },
    '$f()' => function (int $n, $x) { $f = function () { }; for ($i = 0; $i < $n; $i++) { $f(); } },
    "new Counter('jobs_total', …)" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { new Counter('jobs_total', 'Jobs done.', ['queue', 'status']); } },
    "new Counter('jobs_total', …)->inc(['mail', 'ok'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { (new Counter('jobs_total', 'Jobs done.', ['queue', 'status']))->inc(['mail', 'ok']); } },
    "new Histogram('job_seconds', …)->observe(0.3, ['mail'])" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { (new Histogram('job_seconds', 'Time.', ['queue']))->observe(0.3, ['mail']); } },
    'bound Summary::observe(0.3)' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->observe(0.3); } },
    "getOrRegisterCounter()->inc(['GET', '200'])" => function (int $n, $x) {
        for ($i = 0; $i < $n; $i++) {
            $x->getOrRegisterCounter('app', 'requests', 'Help.', ['method', 'status'])->inc(['GET', '200']);
        }
    },
    "bound inc(), exemplar" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc([], ['trace_id' => '0af7651916cd43dd8448eb211c80319c']); } },
    "bound inc(), exemplar of two labels" => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc([], ['trace_id' => 'abc123', 'user' => '42']); } },
    'PromPHP in memory' => function (int $n, $x) { for ($i = 0; $i < $n; $i++) { $x->inc(['GET', '200']); } },
    ...array_fill_keys(
        ['PromPHP, in memory', 'PromPHP on APCu', 'PromPHP on APCu (APCng)', 'PromPHP on Redis', 'PromPHP on promshm'],
        function (int $n, $x, $m, $s) { for ($i = 0; $i < $n; $i++) { $x->inc([$m, $s]); } },
    ),
    'OpenTelemetry SDK' => function (int $n, $x, $m, $s) { for ($i = 0; $i < $n; $i++) { $x->add(1, ['method' => $m, 'status' => $s]); } },
    'apcu_inc' => function (int $n) { for ($i = 0; $i < $n; $i++) { apcu_inc('requests_GET_200'); } },
    'APCu as libraries do it' => function (int $n, $x, $m, $s) {
        for ($i = 0; $i < $n; $i++) {
            apcu_inc('prom:counter:requests:' . base64_encode(json_encode([$m, $s])) . ':value');
        }
    },
    'Redis as libraries do it' => function (int $n, $x, $m, $s) {
        for ($i = 0; $i < $n; $i++) {
            $x->hIncrByFloat('PROMETHEUS_requests', json_encode([$m, $s]), 1);
        }
    },
];

/** The object that the variant is called on. */
function subject(string $variant, string $method, string $status): mixed
{
    $labels = ['method', 'status'];
    return match (true) {
        str_starts_with($variant, 'C:') => new Floor(),
        str_contains($variant, "'mail', 'status'") && str_starts_with($variant, 'inc') => new Counter('jobs', '', ['queue', 'status']),
        $variant === 'PHP method' => new Userland(),
        str_starts_with($variant, 'inc('), str_starts_with($variant, 'labels(') => new Counter('requests', '', $labels),
        str_starts_with($variant, 'bound inc') => (new Counter('requests', '', $labels))->labels($method, $status),
        str_contains($variant, 'mode sum') => new Gauge('gauge_sum', '', [], GaugeMode::Sum),
        str_contains($variant, 'mode last') => new Gauge('gauge_last'),
        str_contains($variant, "'mail'") => new Histogram('job_latency', '', ['queue', 'status']),
        str_starts_with($variant, 'observe(') => new Histogram('latency', '', $labels),
        str_starts_with($variant, 'startTimer('), str_starts_with($variant, 'time(') => new Histogram('latency_14'),
        str_contains($variant, '14 buckets') => new Histogram('latency_14'),
        str_contains($variant, '60 buckets') => new Histogram('latency_60', '', [], Histogram::linearBuckets(0.01, 0.01, 60)),
        str_contains($variant, 'Native') => new NativeHistogram('latency_native'),
        str_contains($variant, 'Summary') => new Summary('latency_summary'),
        str_starts_with($variant, 'getOrRegister') => new CollectorRegistry(),
        str_starts_with($variant, 'Redis') => redis(),
        str_starts_with($variant, 'PromPHP') => promphp($variant)->registerCounter('app', 'requests', '', $labels),
        $variant === 'OpenTelemetry SDK' => opentelemetry(),
        default => null,
    };
}

function redis(): Redis
{
    $redis = new Redis();
    $redis->connect('127.0.0.1', (int) getenv('BENCH_REDIS_PORT'));
    return $redis;
}

$asked = explode("\n", $variant);
if (array_diff($asked, array_keys($variants))) {
    echo implode("\n", array_keys($variants)), "\n";
    exit;
}
$seconds = 0;
foreach ($asked as $variant) {
    $subject = subject($variant, $method, $status);
    $variants[$variant](100, $subject, $method, $status); // the first update registers the series
    $before = getrusage();
    $variants[$variant]($rounds, $subject, $method, $status);
    $after = getrusage();
    foreach (['ru_utime', 'ru_stime'] as $kind) {
        $seconds += $after["$kind.tv_sec"] - $before["$kind.tv_sec"] + ($after["$kind.tv_usec"] - $before["$kind.tv_usec"]) / 1e6;
    }
}
echo $seconds, "\n";
