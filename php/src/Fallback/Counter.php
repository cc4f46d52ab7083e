<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * A number that only grows, kept in this process.
 */
final class Counter implements CounterInterface
{
    use Metric;
    use StartsFromZero;

    /**
     * @param list<string> $labelNames
     */
    public function __construct(string $name, string $help = '', array $labelNames = [])
    {
        $this->standFor(new Definition('counter', $name, $help, $labelNames));
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     * @param array<string, string|int>|null $exemplar is taken, and not kept
     */
    public function inc(array $labels = [], ?array $exemplar = null): void
    {
        $this->incBy(1, $labels);
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     * @param array<string, string|int>|null $exemplar is taken, and not kept
     */
    public function incBy(int|float $value, array $labels = [], ?array $exemplar = null): void
    {
        if (!($value >= 0)) {
            $text = Number::label((float) $value);
            throw new InvalidArgumentException(
                "{$this->getName()} is a counter and only grows: it cannot be increased by $text; use a Gauge"
            );
        }
        $series = $this->at($labels);
        if ($series !== null) {
            $series->value += $value;
        }
    }
}
