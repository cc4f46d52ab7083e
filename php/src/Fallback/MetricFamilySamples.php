<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * A metric and its samples, as CollectorRegistry::getMetricFamilySamples() returns them.
 *
 * @api
 */
class MetricFamilySamples
{
    private string $name;
    private string $type;
    private string $help;

    /** @var list<string> */
    private array $labelNames;

    /** @var list<Sample> */
    private array $samples = [];

    /** @var list<Sample>|null where they are not the same */
    private ?array $windowSamples = null;

    /**
     * @param array<mixed> $data name, type, help, labelNames and, if there are any, samples; checked
     */
    public function __construct(array $data)
    {
        $this->name = Data::text($data, 'name');
        $this->type = Data::text($data, 'type');
        $this->help = Data::text($data, 'help');
        $this->labelNames = Data::names($data, 'labelNames');
        foreach (Data::arrays($data, 'samples') as $sample) {
            $this->samples[] = new Sample($sample);
        }
    }

    /**
     * @internal
     */
    public static function of(Family $family): self
    {
        $definition = $family->definition;
        $samples = [];
        foreach ($family->all() as $series) {
            array_push($samples, ...self::samplesOf($definition, $series));
        }
        $pid = $definition->isPerProcess() ? ['pid'] : [];
        $made = new self([
            'name' => $definition->name,
            'type' => $definition->type,
            'help' => $definition->help,
            'labelNames' => [...$definition->labelNames, ...$pid],
            'samples' => $samples,
        ]);
        if ($definition->type === 'summary') {
            $made->windowSamples = self::windowOf($family);
        }
        return $made;
    }

    public function getName(): string
    {
        return $this->name;
    }

    public function getType(): string
    {
        return $this->type;
    }

    public function getHelp(): string
    {
        return $this->help;
    }

    /**
     * @return list<Sample>
     */
    public function getSamples(): array
    {
        return $this->samples;
    }

    /**
     * A summary's samples with the count and sum of its window, as PromPHP has them; other metrics' samples as
     * they are.
     *
     * @return list<Sample>
     */
    public function getWindowSamples(): array
    {
        return $this->windowSamples ?? $this->samples;
    }

    /**
     * @return list<string>
     */
    public function getLabelNames(): array
    {
        return $this->labelNames;
    }

    public function hasLabelNames(): bool
    {
        return $this->labelNames !== [];
    }

    /**
     * @return list<Sample>
     */
    private static function windowOf(Family $summary): array
    {
        $samples = [];
        foreach ($summary->all() as $series) {
            $values = $series->recent($summary->definition->maxAgeSeconds);
            $window = clone $series;
            $window->count = count($values);
            $window->sum = array_sum($values);
            if ($values !== []) {
                array_push($samples, ...self::samplesOf($summary->definition, $window));
            }
        }
        return array_map(static fn (array $sample): Sample => new Sample($sample), $samples);
    }

    /**
     * @return list<array{name: string, labelNames: list<string>, labelValues: list<string>, value: string}>
     */
    private static function samplesOf(Definition $definition, Series $series): array
    {
        $samples = [];
        foreach (Lines::of($definition, $series) as [$suffix, $own, $value]) {
            $samples[] = [
                'name' => $definition->name . $suffix,
                'labelNames' => array_values(array_diff(array_keys($own), ['pid'])),
                'labelValues' => [...$series->labelValues, ...array_values($own)],
                'value' => $value,
            ];
        }
        // The sum comes after the count, as PromPHP has it.
        return [...array_slice($samples, 0, -2), ...array_reverse(array_slice($samples, -2))];
    }
}
