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
    public array $recent = [];

    /**
     * @param list<string> $labelValues
     */
    public function __construct(public readonly array $labelValues)
    {
    }
}
