<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * Observations with their quantiles over a window of time, kept in this process.
 */
final class Summary implements SummaryInterface
{
    use Metric;
    use StartsFromZero;

    private const DEFAULT_QUANTILES = [0.01, 0.05, 0.5, 0.95, 0.99];

    private const LONGEST = 0xffffffff;
    private const MOST_QUANTILES = 100;

    /** As the extension's `promshm.summary_samples`. */
    private const MOST_SAMPLES = 1024;

    /**
     * @param list<string> $labelNames
     * @param list<int|float>|null $quantiles
     */
    public function __construct(
        string $name,
        string $help = '',
        array $labelNames = [],
        int $maxAgeSeconds = 600,
        ?array $quantiles = null
    ) {
        $quantiles = $quantiles === null ? self::DEFAULT_QUANTILES : self::quantiles($quantiles);
        if ($maxAgeSeconds < 1 || $maxAgeSeconds > self::LONGEST) {
            $rule = 'must be from 1 to ' . self::LONGEST;
            throw new InvalidArgumentException("maxAgeSeconds $rule, got $maxAgeSeconds");
        }
        $this->standFor(new Definition(
            'summary',
            $name,
            $help,
            $labelNames,
            bounds: $quantiles,
            maxAgeSeconds: $maxAgeSeconds
        ));
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function observe(float $value, array $labels = []): void
    {
        $series = $this->at($labels);
        if ($series === null) {
            return;
        }
        $series->count++;
        $series->sum += $value;
        $series->latest[] = [Series::now(), $value];
        if (count($series->latest) > self::MOST_SAMPLES) {
            array_shift($series->latest);
        }
    }

    /**
     * @return list<float>
     */
    public static function getDefaultQuantiles(): array
    {
        return self::DEFAULT_QUANTILES;
    }

    /**
     * @param array<mixed> $given
     * @return list<float>
     */
    private static function quantiles(array $given): array
    {
        $quantiles = Numbers::of($given, 'Summary quantiles');
        if ($quantiles === []) {
            throw new InvalidArgumentException('A summary needs at least one quantile');
        }
        if (count($quantiles) > self::MOST_QUANTILES) {
            throw new InvalidArgumentException('The quantiles are more than ' . self::MOST_QUANTILES);
        }
        foreach ($quantiles as $quantile) {
            if (!($quantile > 0 && $quantile < 1)) {
                throw new InvalidArgumentException("A summary's quantile must be between 0 and 1, got $quantile");
            }
        }
        Numbers::mustIncrease($quantiles, 'Summary quantiles');
        return $quantiles;
    }
}
