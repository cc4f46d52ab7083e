<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What Gauge offers, for constructors that name an interface and tests that put a double in its place.
 */
interface GaugeInterface
{
    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function set(float $value, array $labels = []): void;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function inc(array $labels = []): void;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function incBy(int|float $value, array $labels = []): void;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function dec(array $labels = []): void;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function decBy(int|float $value, array $labels = []): void;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function setToCurrentTime(array $labels = []): void;

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function trackInProgress(callable $fn, array $labels = []): mixed;

    public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): GaugeInterface;

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
