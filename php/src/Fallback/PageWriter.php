<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * Writes families in Prometheus's text format 0.0.4, as the extension does.
 *
 * @internal
 */
final class PageWriter
{
    /** A family with its header; nothing if it has no series. */
    public static function family(Family $family): string
    {
        $all = $family->all();
        if ($all === []) {
            return '';
        }
        $definition = $family->definition;
        $page = Escape::header($definition->name, $definition->help, $definition->type);
        foreach ($all as $series) {
            $page .= self::series($definition, $series);
        }
        return $page;
    }

    private static function series(Definition $definition, Series $series): string
    {
        return match ($definition->type) {
            'histogram' => self::histogram($definition, $series),
            'summary' => self::summary($definition, $series),
            default => self::line($definition, $series, '', Number::value($series->value), self::pid($definition)),
        };
    }

    private static function histogram(Definition $definition, Series $series): string
    {
        $lines = '';
        $count = 0;
        foreach ([...$definition->shape, INF] as $index => $bound) {
            $count += $series->buckets[$index] ?? 0;
            $lines .= self::line($definition, $series, '_bucket', (string) $count, ['le' => Number::bound($bound)]);
        }
        return $lines . self::totals($definition, $series, $count);
    }

    private static function summary(Definition $definition, Series $series): string
    {
        $lines = '';
        foreach (Summary::quantilesOf($definition, $series) as [$quantile, $value]) {
            $own = ['quantile' => Number::value($quantile)];
            $lines .= self::line($definition, $series, '', Number::value($value), $own);
        }
        return $lines . self::totals($definition, $series, $series->count);
    }

    private static function totals(Definition $definition, Series $series, int $count): string
    {
        return self::line($definition, $series, '_sum', Number::value($series->sum))
            . self::line($definition, $series, '_count', (string) $count);
    }

    /**
     * @return array<string, string>
     */
    private static function pid(Definition $definition): array
    {
        return $definition->shape === [GaugeMode::All] ? ['pid' => (string) getmypid()] : [];
    }

    /**
     * @param array<string, string> $own labels of this line alone
     */
    private static function line(
        Definition $definition,
        Series $series,
        string $suffix,
        string $value,
        array $own = []
    ): string {
        $labels = Escape::labels(array_combine($definition->labelNames, $series->labelValues) + $own);
        return "$definition->name$suffix$labels $value\n";
    }
}
