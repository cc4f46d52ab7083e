<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * Observations counted in buckets, kept in this process.
 */
final class Histogram implements HistogramInterface
{
    use Metric;
    use StartsFromZero;
    use Observes;

    private const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    private const MOST_BUCKETS = 10000;

    /**
     * @param list<string> $labelNames
     * @param list<int|float>|null $buckets
     */
    public function __construct(string $name, string $help = '', array $labelNames = [], ?array $buckets = null)
    {
        $bounds = $buckets === null ? self::DEFAULT_BUCKETS : self::bounds($buckets);
        $this->standFor(new Definition('histogram', $name, $help, $labelNames, bounds: $bounds));
    }

    /**
     * @return list<float>
     */
    public static function getDefaultBuckets(): array
    {
        return self::DEFAULT_BUCKETS;
    }

    /**
     * @return list<float>
     */
    public static function exponentialBuckets(float $start, float $growthFactor, int $numberOfBuckets): array
    {
        self::checkNumber($numberOfBuckets);
        if (!($start > 0 && $growthFactor > 1 && is_finite($start) && is_finite($growthFactor))) {
            $rule = 'a finite start above 0 and a finite growth factor above 1';
            throw new InvalidArgumentException("exponentialBuckets() needs $rule");
        }
        $bounds = [];
        for ($i = 0; $i < $numberOfBuckets; $i++, $start *= $growthFactor) {
            $bounds[] = $start;
        }
        return $bounds;
    }

    /**
     * @return list<float>
     */
    public static function linearBuckets(float $start, float $width, int $numberOfBuckets): array
    {
        self::checkNumber($numberOfBuckets);
        if (!($width > 0 && is_finite($width) && is_finite($start))) {
            throw new InvalidArgumentException('linearBuckets() needs a finite start and a finite width above 0');
        }
        return array_map(static fn (int $index): float => $start + $width * $index, range(0, $numberOfBuckets - 1));
    }

    private static function checkNumber(int $numberOfBuckets): void
    {
        if ($numberOfBuckets < 1 || $numberOfBuckets > self::MOST_BUCKETS) {
            $rule = 'must be from 1 to ' . self::MOST_BUCKETS;
            throw new InvalidArgumentException("The number of buckets $rule, got $numberOfBuckets");
        }
    }

    /**
     * The buckets' bounds, without +Inf.
     *
     * @param array<mixed> $buckets
     * @return list<float>
     */
    private static function bounds(array $buckets): array
    {
        $bounds = Numbers::of($buckets, 'Histogram buckets');
        if (end($bounds) === INF) {
            array_pop($bounds);
        }
        if ($bounds === []) {
            throw new InvalidArgumentException('A histogram needs at least one bucket');
        }
        foreach ($bounds as $bound) {
            if (!is_finite($bound)) {
                $rule = 'must be finite numbers (+Inf is added by itself)';
                throw new InvalidArgumentException("Histogram buckets $rule, got $bound");
            }
        }
        Numbers::mustIncrease($bounds, 'Histogram buckets');
        return $bounds;
    }
}
