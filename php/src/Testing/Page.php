<?php

declare(strict_types=1);

namespace Promshm\Testing;

use Promshm\CollectorRegistry;
use Promshm\Fallback\Definition;
use Promshm\MetricFamilySamples;
use Promshm\Sample;

/**
 * The samples of all metrics, to look one up.
 *
 * @internal
 * @phpstan-import-type Labels from AssertsMetrics
 */
final class Page
{
    /**
     * @param list<MetricFamilySamples> $families
     */
    private function __construct(private readonly array $families)
    {
    }

    public static function now(): self
    {
        return new self((new CollectorRegistry(null, false))->getMetricFamilySamples());
    }

    /**
     * The value of the sample of that name and labels, or null if there is none.
     *
     * @param Labels $labels
     */
    public function value(string $name, array $labels): ?string
    {
        $texts = self::texts($labels);
        foreach ($this->families as $family) {
            foreach ($family->getSamples() as $sample) {
                if ($sample->getName() === $name && self::has($family, $sample, $texts)) {
                    return $sample->getValue();
                }
            }
        }
        return null;
    }

    /**
     * The series as a failure names it.
     *
     * @param Labels $labels
     */
    public static function series(string $name, array $labels): string
    {
        $parts = [];
        foreach (self::texts($labels) as $key => $text) {
            $parts[] = (is_string($key) ? "$key=" : '') . "\"$text\"";
        }
        return $name . ($parts === [] ? '' : '{' . implode(',', $parts) . '}');
    }

    /**
     * @param array<string> $texts
     */
    private static function has(MetricFamilySamples $family, Sample $sample, array $texts): bool
    {
        $values = array_map(static fn (mixed $value): string => Definition::text('a label', $value), $sample->getLabelValues());
        if (array_is_list($texts)) {
            return $texts === $values;
        }
        $names = [...$family->getLabelNames(), ...$sample->getLabelNames()];
        return count($names) === count($values) && array_combine($names, $values) == $texts;
    }

    /**
     * @param Labels $labels
     * @return array<string>
     */
    private static function texts(array $labels): array
    {
        return array_map(static fn (mixed $value): string => Definition::text('a label', $value), $labels);
    }
}
