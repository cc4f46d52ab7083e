<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * How histograms observe: into the buckets of their definition.
 *
 * @internal
 */
trait Observes
{
    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     * @param array<string, string|int>|null $exemplar is taken, and not kept
     */
    public function observe(float $value, array $labels = [], ?array $exemplar = null): void
    {
        $series = $this->at($labels);
        if ($series === null) {
            return;
        }
        $bucket = 0;
        foreach ($this->definition->bounds as $bound) {
            if ($value <= $bound) {
                break;
            }
            $bucket++;
        }
        $series->buckets[$bucket] = ($series->buckets[$bucket] ?? 0) + 1;
        $series->sum += $value;
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function startTimer(array $labels = []): Timer
    {
        return Timer::of($this->bind($this->valuesOf($labels)));
    }

    /**
     * Observes how long the call takes, also when it throws.
     *
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function time(callable $fn, array $labels = []): mixed
    {
        $timer = $this->startTimer($labels);
        try {
            return $fn();
        } finally {
            $timer->observeDuration();
        }
    }
}
