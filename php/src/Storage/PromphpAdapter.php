<?php

declare(strict_types=1);

namespace Promshm\Storage;

use Prometheus\MetricFamilySamples;
use Prometheus\Storage\Adapter;
use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Exception\MetricsRegistrationException;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Promshm\MetricFamilySamples as Families;
use Promshm\Sample;
use Promshm\Segment;
use Promshm\Summary;

/**
 * Lets promphp/prometheus_client_php store in shared memory: `new CollectorRegistry(new PromphpAdapter())`.
 *
 * Storage trouble never throws. A label that does not fit, a name that is not allowed and a negative
 * increment do, because they are mistakes in the program.
 *
 * What PromPHP hands over is not checked again: its metrics have done that.
 *
 * @api
 * @phpstan-type Labels array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum>
 * @phpstan-type Update array{name: string, help: string, labelNames: list<string>, labelValues: Labels,
 *               value: int|float, command?: int, buckets?: list<int|float>, maxAgeSeconds?: int,
 *               quantiles?: list<int|float>}
 */
final class PromphpAdapter implements Adapter
{
    /**
     * By metric name: its type, its shape, and the handle on it.
     *
     * @var array<string, array{string, array<mixed>, Counter|Gauge|Histogram|Summary}>
     */
    private array $known = [];

    /** @var array<string, true> names of which a second definition was refused and logged */
    private array $refused = [];

    /** @var array<string, GaugeMode> the modes of gauges that are not `last`, by the gauges' full names */
    private readonly array $gaugeModes;

    /**
     * @param bool $cumulativeSummaries whether collect() gives a summary's totals since its beginning, which only
     *             grow, and not those of its window, as PromPHP does
     * @param array<string, GaugeMode|string> $gauges how the values of several processes become one, by the
     *             gauges' full names: `['app_in_flight' => 'sum']`. All others have one value that every
     *             process sets, as in PromPHP's storages, but for php_info, which tells of living processes
     * @throws InvalidArgumentException if there is no such mode
     */
    public function __construct(private readonly bool $cumulativeSummaries = false, array $gauges = [])
    {
        $modes = ['php_info' => GaugeMode::Max]; // else the version before an upgrade would stay beside the new one
        foreach ($gauges as $name => $mode) {
            $modes[$name] = $mode instanceof GaugeMode ? $mode : self::mode($name, $mode);
        }
        $this->gaugeModes = $modes;
    }

    /**
     * @param array<mixed> $data name, help, labelNames, labelValues, value, command
     */
    public function updateCounter(array $data): void
    {
        /** @var Update $data */
        $known = $this->known[$data['name']] ?? null;
        // What most calls find is not looked for by another call.
        $counter = $known !== null && $known[0] === 'counter' && $known[1] === $data['labelNames']
            ? $known[2]
            : $this->metric('counter', $data, $data['labelNames']);
        if (!$counter instanceof Counter) {
            return;
        }
        $labels = Spelling::labels($data['labelNames'], $data['labelValues']);
        if (($data['command'] ?? null) === self::COMMAND_SET) {
            $counter->remove($labels);
            $counter->incBy(0, $labels);
        } else {
            $counter->incBy(0 + $data['value'], $labels);
        }
    }

    /**
     * @param array<mixed> $data name, help, labelNames, labelValues, value, command
     */
    public function updateGauge(array $data): void
    {
        /** @var Update $data */
        $gauge = $this->metric('gauge', $data, $data['labelNames']);
        if (!$gauge instanceof Gauge) {
            return;
        }
        if (($data['command'] ?? null) === self::COMMAND_SET) {
            $gauge->set((float) $data['value'], Spelling::labels($data['labelNames'], $data['labelValues']));
        } else {
            $gauge->incBy(0 + $data['value'], Spelling::labels($data['labelNames'], $data['labelValues']));
        }
    }

    /**
     * @param array<mixed> $data name, help, labelNames, labelValues, value, buckets
     */
    public function updateHistogram(array $data): void
    {
        /** @var Update $data */
        $histogram = $this->metric('histogram', $data, [$data['labelNames'], $data['buckets'] ?? null]);
        if ($histogram instanceof Histogram) {
            $histogram->observe((float) $data['value'], Spelling::labels($data['labelNames'], $data['labelValues']));
        }
    }

    /**
     * @param array<mixed> $data name, help, labelNames, labelValues, value, maxAgeSeconds, quantiles
     */
    public function updateSummary(array $data): void
    {
        /** @var Update $data */
        $window = [$data['maxAgeSeconds'] ?? null, $data['quantiles'] ?? null];
        $summary = $this->metric('summary', $data, [$data['labelNames'], $window]);
        if ($summary instanceof Summary) {
            $summary->observe((float) $data['value'], Spelling::labels($data['labelNames'], $data['labelValues']));
        }
    }

    /**
     * All metrics of all processes, sorted by name and label values.
     *
     * Values are strings of full precision: floats would be rounded by the setting `precision`.
     * Help texts come escaped, as PromPHP's renderer writes them raw.
     *
     * @param bool $sortMetrics is not needed: they are sorted always
     * @return list<MetricFamilySamples>
     */
    public function collect(bool $sortMetrics = true): array
    {
        $collected = [];
        foreach (self::families() as $family) {
            $family = new PromphpFamily($family, $this->cumulativeSummaries);
            if (!$family->isEmpty()) {
                $collected[] = $family;
            }
        }
        return $collected;
    }

    /**
     * Takes all metrics of all processes away. Metrics that are registered already keep working, from zero.
     */
    public function wipeStorage(): void
    {
        Segment::wipe();
        $this->known = [];
        $this->refused = [];
    }

    /**
     * Takes one series away, in all processes. A later update starts it from zero.
     *
     * @param string $name the full name, with the namespace
     * @param Labels $labelValues in the order of the names, or keyed by name
     * @return bool whether there was such a series; false as well for a metric that this adapter has never
     *              updated in this process and that nobody else has stored
     * @throws \Promshm\Exception\InvalidArgumentException if the labels do not fit
     */
    public function remove(string $name, array $labelValues = []): bool
    {
        $metric = $this->known[$name][2] ?? $this->stored($name);
        return $metric?->remove(Spelling::labels($metric->getLabelNames(), $labelValues)) ?? false;
    }

    /**
     * Takes all series of a metric away that have these label values, in all processes. A later update starts each of
     * them from zero.
     *
     * @param string $name the full name, with the namespace
     * @param non-empty-array<string, mixed> $labels keyed by name; other labels may have any value
     * @return int how many series there were
     * @throws \Promshm\Exception\InvalidArgumentException if there is no such label, or none is given
     */
    public function removeMatching(string $name, array $labels): int
    {
        $metric = $this->known[$name][2] ?? $this->stored($name);
        return $metric?->removeMatching(Spelling::labels(array_keys($labels), $labels)) ?? 0;
    }

    /**
     * Takes all series of a metric away, in all processes.
     *
     * @param string $name the full name, with the namespace
     * @return int how many series there were
     */
    public function clear(string $name): int
    {
        $metric = $this->known[$name][2] ?? $this->stored($name);
        return $metric?->clear() ?? 0;
    }

    /**
     * The handle of a metric, or null where the process uses the name for another metric.
     *
     * @param 'counter'|'gauge'|'histogram'|'summary' $type
     * @param Update $data
     * @param array<mixed> $shape what else tells two metrics of one type and name apart
     */
    private function metric(string $type, array $data, array $shape): Counter|Gauge|Histogram|Summary|null
    {
        $known = $this->known[$data['name']] ?? null;
        if ($known !== null && $known[0] === $type && $known[1] === $shape) {
            return $known[2];
        }
        try {
            $metric = $this->define($type, $data);
        } catch (MetricsRegistrationException $conflict) {
            $this->refuse($data['name'], $conflict);
            return null;
        }
        $this->known[$data['name']] = [$type, $shape, $metric];
        return $metric;
    }

    /**
     * @param 'counter'|'gauge'|'histogram'|'summary' $type
     * @param Update $data
     */
    private function define(string $type, array $data): Counter|Gauge|Histogram|Summary
    {
        ['name' => $name, 'help' => $help, 'labelNames' => $labels] = $data;
        return match ($type) {
            'counter' => new Counter($name, $help, $labels),
            'gauge' => new Gauge($name, $help, $labels, $this->gaugeModes[$name] ?? GaugeMode::Last),
            'histogram' => new Histogram($name, $help, $labels, $data['buckets'] ?? null),
            'summary' => new Summary($name, $help, $labels, $data['maxAgeSeconds'] ?? 600, $data['quantiles'] ?? null),
        };
    }

    /**
     * @return list<Families>
     */
    private static function families(): array
    {
        return (new CollectorRegistry(null, false))->getMetricFamilySamples();
    }

    /**
     * A handle on a metric that others have stored, made from what is seen of it. A gauge has the mode that
     * this adapter knows. A summary's age is not seen, so there is none on it.
     */
    private function stored(string $name): Counter|Gauge|Histogram|null
    {
        foreach (self::families() as $family) {
            if ($family->getName() === $name) {
                [$help, $labels] = [$family->getHelp(), $family->getLabelNames()];
                return match ($family->getType()) {
                    'counter' => new Counter($name, $help, $labels),
                    'gauge' => new Gauge($name, $help, $labels, $this->gaugeModes[$name] ?? GaugeMode::Last),
                    'histogram' => new Histogram($name, $help, $labels, self::bounds($family)),
                    default => null,
                };
            }
        }
        return null;
    }

    /**
     * The bounds of a histogram's first series, without +Inf.
     *
     * @return list<float>
     */
    private static function bounds(Families $histogram): array
    {
        $bounds = [];
        foreach ($histogram->getSamples() as $sample) {
            if ($sample->getLabelNames() !== ['le']) {
                break;
            }
            $bounds[] = (float) self::bound($sample);
        }
        array_pop($bounds);
        return $bounds;
    }

    /** The label `le` of a histogram's bucket. */
    private static function bound(Sample $bucket): string
    {
        $values = $bucket->getLabelValues();
        $last = array_key_last($values);
        return $last !== null && is_string($values[$last]) ? $values[$last] : '';
    }

    private static function mode(string $gauge, string $mode): GaugeMode
    {
        return GaugeMode::tryFrom($mode) ?? throw new InvalidArgumentException(sprintf(
            '%s: there is no gauge mode "%s"; the modes are %s',
            $gauge,
            $mode,
            implode(', ', array_column(GaugeMode::cases(), 'value'))
        ));
    }

    /**
     * An update cannot be told from a registration here, and a request must not end for it: so the first
     * definition goes on, and the log names the second, once. Not as a warning, because frameworks throw those.
     */
    private function refuse(string $name, MetricsRegistrationException $conflict): void
    {
        if (!isset($this->refused[$name])) {
            $this->refused[$name] = true;
            error_log("promshm: updates of $name are dropped: {$conflict->getMessage()}");
        }
    }
}
