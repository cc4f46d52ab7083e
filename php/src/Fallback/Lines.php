<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * The lines of a page that one series makes: what follows the metric's name, the labels of that line alone,
 * and the value.
 *
 * @internal
 */
final class Lines
{
    /**
     * @return list<array{string, array<string, string>, string}>
     */
    public static function of(Definition $definition, Series $series): array
    {
        return match ($definition->type) {
            'histogram' => self::ofHistogram($definition, $series),
            'summary' => self::ofSummary($definition, $series),
            default => [['', self::pid($definition), Number::value($series->value)]],
        };
    }

    /**
     * @return list<array{string, array<string, string>, string}>
     */
    private static function ofHistogram(Definition $definition, Series $series): array
    {
        $lines = [];
        $count = 0;
        foreach ([...$definition->bounds, INF] as $index => $bound) {
            $count += $series->buckets[$index] ?? 0;
            $lines[] = ['_bucket', ['le' => Number::bound($bound)], (string) $count];
        }
        return [...$lines, ['_sum', [], Number::value($series->sum)], ['_count', [], (string) $count]];
    }

    /**
     * @return list<array{string, array<string, string>, string}>
     */
    private static function ofSummary(Definition $definition, Series $series): array
    {
        $lines = [];
        $recent = $series->recent($definition->maxAgeSeconds);
        foreach ($definition->bounds as $quantile) {
            $rank = max(1, (int) ceil($quantile * count($recent)));
            $lines[] = ['', ['quantile' => Number::value($quantile)], Number::value($recent[$rank - 1] ?? NAN)];
        }
        return [...$lines, ['_sum', [], Number::value($series->sum)], ['_count', [], (string) $series->count]];
    }

    /**
     * @return array<string, string>
     */
    private static function pid(Definition $definition): array
    {
        return $definition->isPerProcess() ? ['pid' => (string) getmypid()] : [];
    }
}
