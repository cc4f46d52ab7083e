<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;
use Promshm\Fallback\Exception\MetricNotFoundException;
use Promshm\Fallback\Exception\MetricsRegistrationException;

/**
 * Metrics by namespace and name, with the methods of PromPHP's registry.
 *
 * @api
 */
class CollectorRegistry implements RegistryInterface
{
    use Uncopied;

    private static ?CollectorRegistry $default = null;

    /**
     * By type, namespace and name, one object for each order of the label names; the first is the registered one.
     *
     * @var array<string, non-empty-list<Counter|Gauge|Histogram|NativeHistogram|Summary>>
     */
    private array $metrics = [];

    /** @var array<string, string> */
    private array $constants = [];

    /**
     * @param mixed $storage taken so that PromPHP's calls fit, and not used
     * @param array<string, string|int|float|bool|\Stringable|\UnitEnum> $constantLabels
     */
    public function __construct( // @phpstan-ignore constructor.unusedParameter (PromPHP's calls pass $storage)
        mixed $storage = null,
        bool $registerDefaultMetrics = true,
        array $constantLabels = []
    ) {
        if ($registerDefaultMetrics) { // without constant labels: it is one metric for all registries
            $make = static fn (string $name): Gauge
                => new Gauge($name, 'Information about the PHP environment.', ['version'], GaugeMode::Max);
            $this->add(Gauge::class, '', 'php_info', $make)->set(1, [PHP_VERSION]);
        }
        foreach ($constantLabels as $name => $value) {
            $this->constants[self::constantName($name)] = Definition::text("Constant label $name", $value);
        }
    }

    public static function getDefault(): CollectorRegistry
    {
        return self::$default ??= new self();
    }

    /**
     * @return list<MetricFamilySamples>
     */
    public function getMetricFamilySamples(bool $sortMetrics = true): array
    {
        $shown = array_filter(Memory::families(), static fn (Family $family): bool => $family->all() !== []);
        return array_map(MetricFamilySamples::of(...), array_values($shown));
    }

    public function wipeStorage(): void
    {
        Segment::wipe();
    }

    /**
     * @param list<string> $labels
     */
    public function registerCounter(string $namespace, string $name, string $help, array $labels = []): Counter
    {
        $this->refuseTwice(Counter::class, $namespace, $name);
        return $this->getOrRegisterCounter($namespace, $name, $help, $labels);
    }

    /**
     * @param list<string> $labels
     */
    public function getOrRegisterCounter(string $namespace, string $name, string $help, array $labels = []): Counter
    {
        $make = static fn (string $full): Counter => new Counter($full, $help, $labels);
        return $this->findOrdered(Counter::class, $namespace, $name, $labels)
            ?? $this->add(Counter::class, $namespace, $name, $make);
    }

    public function getCounter(string $namespace, string $name): Counter
    {
        return $this->get(Counter::class, $namespace, $name);
    }

    /**
     * @param list<string> $labels
     */
    public function registerGauge(string $namespace, string $name, string $help, array $labels = []): Gauge
    {
        $this->refuseTwice(Gauge::class, $namespace, $name);
        return $this->getOrRegisterGauge($namespace, $name, $help, $labels);
    }

    /**
     * @param list<string> $labels
     */
    public function getOrRegisterGauge(string $namespace, string $name, string $help, array $labels = []): Gauge
    {
        $make = static fn (string $full): Gauge => new Gauge($full, $help, $labels);
        return $this->findOrdered(Gauge::class, $namespace, $name, $labels)
            ?? $this->add(Gauge::class, $namespace, $name, $make);
    }

    public function getGauge(string $namespace, string $name): Gauge
    {
        return $this->get(Gauge::class, $namespace, $name);
    }

    /**
     * @param list<string> $labels
     * @param list<int|float>|null $buckets
     */
    public function registerHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        ?array $buckets = null
    ): Histogram {
        $this->refuseTwice(Histogram::class, $namespace, $name);
        return $this->getOrRegisterHistogram($namespace, $name, $help, $labels, $buckets);
    }

    /**
     * @param list<string> $labels
     * @param list<int|float>|null $buckets
     */
    public function getOrRegisterHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        ?array $buckets = null
    ): Histogram {
        $make = static fn (string $full): Histogram => new Histogram($full, $help, $labels, $buckets);
        return $this->findOrdered(Histogram::class, $namespace, $name, $labels)
            ?? $this->add(Histogram::class, $namespace, $name, $make);
    }

    public function getHistogram(string $namespace, string $name): Histogram
    {
        return $this->get(Histogram::class, $namespace, $name);
    }

    /**
     * @param list<string> $labels
     */
    public function registerNativeHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        float $bucketFactor = 1.1,
        float $min = 1e-6,
        float $max = 65536
    ): NativeHistogram {
        $this->refuseTwice(NativeHistogram::class, $namespace, $name);
        return $this->getOrRegisterNativeHistogram($namespace, $name, $help, $labels, $bucketFactor, $min, $max);
    }

    /**
     * @param list<string> $labels
     */
    public function getOrRegisterNativeHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        float $bucketFactor = 1.1,
        float $min = 1e-6,
        float $max = 65536
    ): NativeHistogram {
        $make = static fn (string $full): NativeHistogram
            => new NativeHistogram($full, $help, $labels, $bucketFactor, $min, $max);
        return $this->findOrdered(NativeHistogram::class, $namespace, $name, $labels)
            ?? $this->add(NativeHistogram::class, $namespace, $name, $make);
    }

    public function getNativeHistogram(string $namespace, string $name): NativeHistogram
    {
        return $this->get(NativeHistogram::class, $namespace, $name);
    }

    /**
     * @param list<string> $labels
     * @param list<int|float>|null $quantiles
     */
    public function registerSummary(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        int $maxAgeSeconds = 600,
        ?array $quantiles = null
    ): Summary {
        $this->refuseTwice(Summary::class, $namespace, $name);
        return $this->getOrRegisterSummary($namespace, $name, $help, $labels, $maxAgeSeconds, $quantiles);
    }

    /**
     * @param list<string> $labels
     * @param list<int|float>|null $quantiles
     */
    public function getOrRegisterSummary(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        int $maxAgeSeconds = 600,
        ?array $quantiles = null
    ): Summary {
        $make = static fn (string $full): Summary => new Summary($full, $help, $labels, $maxAgeSeconds, $quantiles);
        return $this->findOrdered(Summary::class, $namespace, $name, $labels)
            ?? $this->add(Summary::class, $namespace, $name, $make);
    }

    public function getSummary(string $namespace, string $name): Summary
    {
        return $this->get(Summary::class, $namespace, $name);
    }

    private static function constantName(int|string $name): string
    {
        if (is_int($name)) {
            throw new InvalidArgumentException("Constant labels are an array of values keyed by the labels' names");
        }
        foreach (['histogram', 'summary'] as $type) { // which have labels of their own
            new Definition($type, 'checks_the_name', '', [$name]);
        }
        return $name;
    }

    private static function fullName(string $namespace, string $name): string
    {
        return $namespace === '' ? $name : "{$namespace}_$name";
    }

    /**
     * @template T of Counter|Gauge|Histogram|NativeHistogram|Summary
     * @param class-string<T> $type
     * @return T|null
     */
    private function find(
        string $type,
        string $namespace,
        string $name
    ): Counter|Gauge|Histogram|NativeHistogram|Summary|null {
        $metric = $this->metrics["$type\n$namespace\n$name"][0] ?? null;
        return $metric instanceof $type ? $metric : null;
    }

    /**
     * The object of the order that a call names the labels in, or the registered one if it names other labels.
     *
     * @template T of Counter|Gauge|Histogram|NativeHistogram|Summary
     * @param class-string<T> $type
     * @param array<mixed> $labels
     * @return T|null
     */
    private function findOrdered(
        string $type,
        string $namespace,
        string $name,
        array $labels
    ): Counter|Gauge|Histogram|NativeHistogram|Summary|null {
        $labels = array_values($labels);
        foreach ($this->metrics["$type\n$namespace\n$name"] ?? [] as $metric) {
            if ($metric instanceof $type && $metric->getLabelNames() === $labels) {
                return $metric;
            }
        }
        $first = $this->find($type, $namespace, $name);
        $known = $first?->getLabelNames() ?? [];
        sort($labels);
        sort($known);
        return $labels === $known ? null : $first;
    }

    /**
     * @template T of Counter|Gauge|Histogram|NativeHistogram|Summary
     * @param class-string $type
     * @param callable(string): T $make
     * @return T
     */
    private function add(
        string $type,
        string $namespace,
        string $name,
        callable $make
    ): Counter|Gauge|Histogram|NativeHistogram|Summary {
        Memory::$constants = $this->constants;
        try {
            return $this->metrics["$type\n$namespace\n$name"][] = $make(self::fullName($namespace, $name));
        } finally {
            Memory::$constants = [];
        }
    }

    /**
     * @template T of Counter|Gauge|Histogram|NativeHistogram|Summary
     * @param class-string<T> $type
     * @return T
     */
    private function get(string $type, string $namespace, string $name): Counter|Gauge|Histogram|NativeHistogram|Summary
    {
        [$full, $short] = [self::fullName($namespace, $name), self::shortName($type)];
        return $this->find($type, $namespace, $name) ?? throw new MetricNotFoundException(
            "$short $full is not known to this registry: register it first, or use getOrRegister$short()"
        );
    }

    /**
     * @param class-string<Counter|Gauge|Histogram|NativeHistogram|Summary> $type
     */
    private function refuseTwice(string $type, string $namespace, string $name): void
    {
        if ($this->find($type, $namespace, $name) !== null) {
            [$full, $short] = [self::fullName($namespace, $name), self::shortName($type)];
            throw new MetricsRegistrationException(
                "$short $full is already registered; getOrRegister$short() returns the one there is"
            );
        }
    }

    /**
     * @param class-string $type
     */
    private static function shortName(string $type): string
    {
        return substr($type, strlen(__NAMESPACE__) + 1);
    }
}
