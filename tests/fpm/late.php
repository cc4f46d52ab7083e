<?php
// Requests whose scripts go on after the extension's request has ended, and requests that come after those.

use Promshm\{CollectorRegistry, Counter, Gauge, GaugeMode, Histogram, MetricFamilySamples, RenderTextFormat, Sample, Segment, Summary};

parse_str($_SERVER['QUERY_STRING'], $query);

/** Uses every class, and keeps whatever can be kept. */
function use_everything(string $label): void
{
    $default = CollectorRegistry::getDefault();
    $default->getOrRegisterCounter('app', 'default_total', 'Help.', ['code'])->inc([$label]);
    $own = new CollectorRegistry(null, true, ['constant' => $label]);
    $own->registerHistogram('app', 'own_seconds', 'Help.', [], [1, 2])->observe(1.5);
    $redefined = new Counter('redefined_total', 'Help.', [$label]);
    $redefined->inc(['x']);
    $bound = $redefined->labels("late $label");
    $bound->inc([], ['trace_id' => '0af7651916cd43dd8448eb211c80319c']);
    foreach (GaugeMode::cases() as $mode) {
        $gauge = new Gauge("gauge_{$mode->value}", 'Help.', [], $mode);
        $gauge->set(1);
        $gauge->trackInProgress(fn () => $gauge->trackInProgress(fn () => $gauge->inc()));
    }
    $histogram = new Histogram('histogram', 'Help.', ['a'], [1, 2]);
    $timer = $histogram->startTimer(['timer']);
    $histogram->time(fn () => $timer->observeDuration(), ['time']);
    $summary = new Summary('summary', 'Help.');
    $summary->observe(2);
    $families = $default->getMetricFamilySamples();
    $family = new MetricFamilySamples([
        'name' => 'n', 'type' => 'gauge', 'help' => '', 'labelNames' => [],
        'samples' => [['name' => 'n', 'labelNames' => ['a'], 'labelValues' => [new Late($label)], 'value' => 1]],
    ]);
    $sample = new Sample(['name' => 'n', 'labelNames' => ['a'], 'labelValues' => [new Late($label)], 'value' => 1]);
    (new RenderTextFormat())->render([$family, ...$families]);
    Segment::render();
    Segment::status();
    $map = new WeakMap();
    foreach ([$default, $own, $bound, $gauge, $timer, $summary, $family, $sample] as $object) {
        $map[$object] = 1;
    }
    $GLOBALS['kept'][] = get_defined_vars();
}

/** A label value, and a destructor that counts: what lives when the request ends goes later still. */
final class Late
{
    public function __construct(private string $label)
    {
    }

    public function __toString(): string
    {
        return $this->label;
    }

    public function __destruct()
    {
        CollectorRegistry::getDefault()->getOrRegisterCounter('app', 'destructed_total', 'Help.')->inc();
        (new Counter('redefined_total', 'Help.', [$this->label]))->inc(['x']);
    }
}

final class Handler implements SessionHandlerInterface
{
    public function open(string $path, string $name): bool
    {
        return true;
    }

    public function close(): bool
    {
        use_everything('late');
        return true;
    }

    public function read(string $id): string|false
    {
        return '';
    }

    public function write(string $id, string $data): bool
    {
        use_everything('late');
        return true;
    }

    public function destroy(string $id): bool
    {
        return true;
    }

    public function gc(int $seconds): int|false
    {
        return 0;
    }
}

/** Writes over what the last request has left in the heap. */
function churn(): void
{
    for ($i = 0; $i < 5000; $i++) {
        $GLOBALS['junk'][] = str_repeat(chr(65 + $i % 26), 8 + $i % 600);
    }
}

churn();
switch ($query['from'] ?? '') {
    case 'header': // of an answer without a body they are sent after the modules' request shutdown
        header_register_callback(fn () => use_everything('late'));
        header('Location: /', true, 302);
        break;
    case 'session':
        session_set_save_handler(new Handler(), false);
        session_start(['use_cookies' => 0, 'cache_limiter' => '']);
        $_SESSION['a'] = 1;
        break;
    case 'buffer':
        ob_start(function (string $text): string {
            use_everything('late');
            return $text;
        });
        break;
    case 'shutdown':
        register_shutdown_function('use_everything', 'late');
        break;
    case 'fatal':
        header_register_callback(function () {
            use_everything('late');
            (new Gauge('gauge_last', 'Help.'))->trackInProgress(fn () => trigger_error('late and fatal', E_USER_ERROR));
        });
        header('Location: /', true, 302);
        break;
    default:
        use_everything('after');
        churn();
        $codes = CollectorRegistry::getDefault()->getCounter('app', 'default_total');
        $codes->inc(['after']);
        echo json_encode(['pid' => getmypid(), 'default' => get_debug_type($codes)]);
}
