<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * The numbers of one series.
 *
 * @internal
 */
final class Series
{
    public float $value = 0.0;
    public float $sum = 0.0;
    public int $count = 0;

    /** @var array<int, int> observations by the index of their bucket */
    public array $buckets = [];

    /** @var list<array{float, float}> a summary's latest observations: when, and what */
    public array $latest = [];

    /**
     * @param list<string> $labelValues
     */
    public function __construct(public readonly array $labelValues)
    {
    }

    /** Seconds, by a clock that nobody sets. */
    public static function now(): float
    {
        return hrtime(true) / 1e9;
    }

    /**
     * A summary's observations that are young enough, sorted.
     *
     * @return list<float>
     */
    public function recent(int $maxAgeSeconds): array
    {
        $oldest = self::now() - $maxAgeSeconds;
        $recent = array_filter($this->latest, static fn (array $sample): bool => $sample[0] >= $oldest);
        $values = array_column($recent, 1);
        sort($values);
        return $values;
    }
}
