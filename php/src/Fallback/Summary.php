<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * Observations with their quantiles over a window of time, kept in this process.
 */
final class Summary
{
    use Metric;

    private const DEFAULT_QUANTILES = [0.01, 0.05, 0.5, 0.95, 0.99];

    /** As the extension's `promshm.summary_samples`. */
    private const MOST_SAMPLES = 1024;

    /**
     * @param list<string> $labelNames
     * @param list<float>|null $quantiles
     */
    public function __construct(
        string $name,
        string $help = '',
        array $labelNames = [],
        int $maxAgeSeconds = 600,
        ?array $quantiles = null
    ) {
        $quantiles = $quantiles === null ? self::DEFAULT_QUANTILES : self::quantiles($quantiles);
        if ($maxAgeSeconds <= 0) {
            throw new InvalidArgumentException("maxAgeSeconds must be at least 1, got $maxAgeSeconds");
        }
        $shape = [$maxAgeSeconds, $quantiles];
        $this->standFor(new Definition('summary', $name, $help, $labelNames, $shape));
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable> $labels
     */
    public function observe(float $value, array $labels = []): void
    {
        $series = $this->at($labels);
        if ($series === null) {
            return;
        }
        $series->count++;
        $series->sum += $value;
        $series->recent[] = [hrtime(true) / 1e9, $value];
        if (count($series->recent) > self::MOST_SAMPLES) {
            array_shift($series->recent);
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
     * The quantiles by nearest rank over the observations that are young enough; NAN where there is none.
     *
     * @internal
     * @return list<array{float, float}> each quantile with its value
     */
    public static function quantilesOf(Definition $definition, Series $series): array
    {
        [$maxAge, $quantiles] = $definition->shape;
        $oldest = hrtime(true) / 1e9 - $maxAge;
        $young = array_filter($series->recent, static fn (array $sample): bool => $sample[0] >= $oldest);
        $values = array_column($young, 1);
        sort($values);
        return array_map(static function (float $quantile) use ($values): array {
            $rank = max(1, (int) ceil($quantile * count($values)));
            return [$quantile, $values[$rank - 1] ?? NAN];
        }, $quantiles);
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
        foreach ($quantiles as $quantile) {
            if (!($quantile > 0 && $quantile < 1)) {
                throw new InvalidArgumentException("Summary quantiles must lie between 0 and 1, got $quantile");
            }
        }
        Numbers::mustIncrease($quantiles, 'Summary quantiles');
        return $quantiles;
    }
}
