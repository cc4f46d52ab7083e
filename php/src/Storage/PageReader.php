<?php

declare(strict_types=1);

namespace Promshm\Storage;

use Promshm\Counter;
use Promshm\Gauge;
use Promshm\Histogram;
use Promshm\Summary;

/**
 * A page of Prometheus's text format 0.0.4, as `Promshm\Segment::render()` writes it, read back.
 *
 * Families are arrays in the shape that MetricFamilySamples takes: a bucket's bound and a quantile are the
 * last of a sample's label values, and not among the family's label names. Help texts stay escaped.
 *
 * @internal
 * @phpstan-type Sample array{name: string, labelNames: list<string>, labelValues: list<string>, value: string}
 * @phpstan-type FamilyOfPage array{
 *     name: string, type: string, help: string, labelNames: list<string>, samples: list<Sample>
 * }
 */
final class PageReader
{
    private const SAMPLE = '/^([a-zA-Z0-9_:]+)(?:\{(.*)\})? (\S+)$/sD';
    private const LABEL = '/([a-zA-Z0-9_]+)="([^"\\\\]*+(?:\\\\.[^"\\\\]*+)*+)"/s';
    private const ESCAPES = ['\\\\' => '\\', '\\n' => "\n", '\\"' => '"'];

    /** @var list<FamilyOfPage> */
    private array $families = [];

    private string $help = '';

    /** @var Sample|null the sum of a series, which comes after the count there */
    private ?array $sum = null;

    public function __construct(string $page)
    {
        foreach (explode("\n", $page) as $line) {
            if (str_starts_with($line, '# HELP ')) {
                $this->help = explode(' ', $line, 4)[3] ?? '';
            } elseif (str_starts_with($line, '# TYPE ')) {
                [, , $name, $type] = explode(' ', $line);
                $this->begin($name, $type);
            } elseif ($line !== '' && $line[0] !== '#') {
                $this->read($line);
            }
        }
    }

    /**
     * @return list<FamilyOfPage>
     */
    public function families(): array
    {
        return $this->families;
    }

    /**
     * A handle on a metric of the page, made from what the page tells. A gauge is taken for one of mode `last`.
     */
    public function metric(string $name): Counter|Gauge|Histogram|Summary|null
    {
        foreach ($this->families as $family) {
            if ($family['name'] === $name) {
                return match ($family['type']) {
                    'counter' => new Counter($name, $family['help'], $family['labelNames']),
                    'gauge' => new Gauge($name, $family['help'], $family['labelNames']),
                    'histogram' => new Histogram($name, $family['help'], $family['labelNames'], self::bounds($family)),
                    default => null,
                };
            }
        }
        return null;
    }

    private function begin(string $name, string $type): void
    {
        $this->families[] = [
            'name' => $name,
            'type' => $type,
            'help' => $this->help,
            'labelNames' => [],
            'samples' => [],
        ];
        $this->help = '';
    }

    private function read(string $line): void
    {
        if ($this->families === [] || preg_match(self::SAMPLE, $line, $found) !== 1) {
            return;
        }
        $family = &$this->families[array_key_last($this->families)];
        preg_match_all(self::LABEL, $found[2], $labels);
        $values = array_map(static fn (string $value): string => strtr($value, self::ESCAPES), $labels[2]);
        $own = self::takeOwnLabel($family, $found[1], $labels[1]);
        $family['labelNames'] = $labels[1];
        $this->put($family, [
            'name' => $found[1],
            'labelNames' => $own,
            'labelValues' => $values,
            'value' => $found[3],
        ]);
    }

    /**
     * Takes `le` or `quantile` out of the names, where it is the sample's own label and none of the family.
     *
     * @param FamilyOfPage $family
     * @param list<string> $names
     * @return list<string>
     */
    private static function takeOwnLabel(array $family, string $sample, array &$names): array
    {
        $own = match ($family['type']) {
            'histogram' => $sample === $family['name'] . '_bucket' ? 'le' : null,
            'summary' => $sample === $family['name'] ? 'quantile' : null,
            default => null,
        };
        if ($own === null) {
            return [];
        }
        array_pop($names);
        return [$own];
    }

    /**
     * @param FamilyOfPage $family
     * @param Sample $sample
     */
    private function put(array &$family, array $sample): void
    {
        $isOfMany = in_array($family['type'], ['histogram', 'summary'], true);
        if ($isOfMany && $sample['name'] === $family['name'] . '_sum') {
            $this->sum = $sample;
            return;
        }
        $family['samples'][] = $sample;
        if ($this->sum !== null) {
            $family['samples'][] = $this->sum;
            $this->sum = null;
        }
    }

    /**
     * The bounds of a histogram's first series, without +Inf.
     *
     * @param FamilyOfPage $family
     * @return list<float>
     */
    private static function bounds(array $family): array
    {
        $bounds = [];
        foreach ($family['samples'] as $sample) {
            if ($sample['labelNames'] !== ['le']) {
                break;
            }
            $bounds[] = (float) end($sample['labelValues']);
        }
        array_pop($bounds);
        return $bounds;
    }
}
