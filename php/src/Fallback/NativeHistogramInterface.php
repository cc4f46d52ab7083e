<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What NativeHistogram offers, for constructors that name an interface and tests that put a double in its place.
 */
interface NativeHistogramInterface
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

    public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): NativeHistogramInterface;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function remove(array $labels = []): bool;

    /**
     * Takes all series away that have these label values, whatever their other labels are. A later update starts
     * each of them afresh from zero. Series that other processes make meanwhile may stay.
     *
     * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
     * @return int how many series there were
     * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
     */
    public function removeMatching(array $labels): int;

    /**
     * Takes all series of the metric away. A later update starts each of them afresh from zero.
     *
     * @return int how many series there were
     * @throws Exception\InvalidArgumentException if the handle is bound
     */
    public function clear(): int;

    public function getName(): string;

    public function getHelp(): string;

    /**
     * @return list<string>
     */
    public function getLabelNames(): array;

    public function getType(): string;
}
