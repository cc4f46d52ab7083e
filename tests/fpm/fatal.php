<?php
// Requests that end within a call of the extension, and one that tells what they have left.

use Promshm\{CollectorRegistry, Counter, Gauge, GaugeMode, Histogram, MetricFamilySamples, RenderTextFormat, Segment};

parse_str($_SERVER['QUERY_STRING'], $query);

final class Fatal
{
    public function __toString(): string
    {
        trigger_error('the end', E_USER_ERROR);
    }

    public function __destruct()
    {
        trigger_error('the end', E_USER_ERROR);
    }
}

/** Runs the function within all that counts what is in progress. */
function tracked(callable $call): mixed
{
    $last = new Gauge('last', 'Help.');
    $sum = new Gauge('sum', 'Help.', [], GaugeMode::Sum);
    $time = new Histogram('seconds', 'Help.', [], [10]);
    return $last->trackInProgress(fn () => $sum->trackInProgress(fn () => $time->time($call)));
}

/** Leaves the request what it has taken. */
function no_more_memory(): void
{
    @ini_set('memory_hard_limit_percent', '100000'); // some builds of PHP kill the process at twice the limit
    ini_set('memory_limit', memory_get_usage(true));
}

$long = str_repeat('k', 1 << 20);
$pair = new Counter('pair_total', 'Help.', ['a', 'b']);
$time = new Histogram('time_seconds', 'Help.', ['a']);
switch ($query['in']) {
    case 'inc':
        $pair->inc([$long, new Fatal()]);
        break;
    case 'labels':
        $pair->labels($long, new Fatal());
        break;
    case 'constants':
        new CollectorRegistry(null, false, ['a' => $long, 'b' => new Fatal()]);
        break;
    case 'render':
        (new RenderTextFormat())->render([new MetricFamilySamples([
            'name' => 'n', 'type' => 'gauge', 'help' => $long, 'labelNames' => [],
            'samples' => [['name' => 'n', 'labelNames' => ['a'], 'labelValues' => [new Fatal()], 'value' => 1]],
        ])]);
        break;
    case 'handler':
        set_error_handler(fn () => trigger_error('the end', E_USER_ERROR));
        (new RenderTextFormat())->render([new MetricFamilySamples([
            'name' => 'n', 'type' => 'gauge', 'help' => $long, 'labelNames' => [],
            'samples' => [['name' => 'n', 'labelNames' => ['a'], 'labelValues' => [[]], 'value' => 1]],
        ])]);
        break;
    case 'time':
        $time->time(fn () => trigger_error('the end', E_USER_ERROR), [$long]);
        break;
    case 'registry': // the metric that goes takes the map's value along
        $registry = new CollectorRegistry(null, false);
        $map = new WeakMap();
        for ($i = 0; $i < 4; $i++) {
            $map[$registry->getOrRegisterCounter('', "in_map_$i", 'Help.')] = new Fatal();
        }
        for ($i = 0; $i < 1000; $i++) {
            $registry->getOrRegisterCounter(str_repeat('n', 900), "m$i", 'Help.');
        }
        unset($registry);
        break;
    case 'fill':
        for ($i = 0; $i < 4000; $i++) {
            $pair->inc([str_repeat('x', 500), "$i"]);
        }
        break;
    case 'page':
        no_more_memory();
        Segment::render();
        exit; // some builds of PHP notice that much later
    case 'families':
        no_more_memory();
        (new CollectorRegistry(null, false))->getMetricFamilySamples();
        exit;
    case 'tracked-memory':
        ini_set('memory_limit', '4M');
        tracked(fn () => str_repeat('x', 1 << 26));
        break;
    case 'tracked-timeout':
        set_time_limit(1);
        tracked(function () {
            for (;;) {
            }
        });
        break;
    case 'tracked-exit':
        tracked(fn () => exit(1));
        break;
    case 'tracked-fiber':
        $fiber = new Fiber(fn () => tracked(fn () => Fiber::suspend()));
        $fiber->start();
        tracked(fn () => trigger_error('the end', E_USER_ERROR));
        break;
    case 'tracked-shutdown':
        register_shutdown_function(fn () => tracked(fn () => trigger_error('the end', E_USER_ERROR)));
        tracked(fn () => trigger_error('the end', E_USER_ERROR));
        break;
}
preg_match('/^RssAnon:\s+(\d+)/m', file_get_contents('/proc/self/status'), $memory);
echo json_encode(['pid' => getmypid(), 'kilobytes' => (int) $memory[1]]);
