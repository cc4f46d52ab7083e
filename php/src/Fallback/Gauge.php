<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * A number that goes up and down, kept in this process.
 */
final class Gauge implements GaugeInterface
{
    use Metric;

    /**
     * @param list<string> $labelNames
     */
    public function __construct(
        string $name,
        string $help = '',
        array $labelNames = [],
        GaugeMode $mode = GaugeMode::Last
    ) {
        $this->standFor(new Definition('gauge', $name, $help, $labelNames, $mode));
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function set(float $value, array $labels = []): void
    {
        $series = $this->at($labels);
        if ($series !== null) {
            $series->value = $value;
        }
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function inc(array $labels = []): void
    {
        $this->incBy(1, $labels);
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function incBy(int|float $value, array $labels = []): void
    {
        $series = $this->at($labels);
        if ($series !== null) {
            $series->value += $value;
        }
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function dec(array $labels = []): void
    {
        $this->incBy(-1, $labels);
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function decBy(int|float $value, array $labels = []): void
    {
        $this->incBy(-$value, $labels);
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function setToCurrentTime(array $labels = []): void
    {
        $this->set(microtime(true), $labels);
    }

    /**
     * Adds one while the call runs, also when it throws.
     *
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function trackInProgress(callable $fn, array $labels = []): mixed
    {
        $this->inc($labels);
        try {
            return $fn();
        } finally {
            $this->dec($labels);
        }
    }
}
