<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What Histogram offers, for constructors that name an interface and tests that put a double in its place.
 */
interface HistogramInterface
{
    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     * @param array<string, string|int>|null $exemplar
     */
    public function observe(float $value, array $labels = [], ?array $exemplar = null): void;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function startTimer(array $labels = []): TimerInterface;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function time(callable $fn, array $labels = []): mixed;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function init(array $labels = []): void;

    public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): HistogramInterface;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function remove(array $labels = []): bool;

    public function getName(): string;

    public function getHelp(): string;

    /**
     * @return list<string>
     */
    public function getLabelNames(): array;

    public function getType(): string;
}
