<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * A metric and its samples, as CollectorRegistry::getMetricFamilySamples() returns them.
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

    /**
     * @param array{name: string, type: string, help: string, labelNames: list<string>,
     *        samples?: list<array<mixed>>} $data
     */
    public function __construct(array $data)
    {
        $this->name = Data::text($data, 'name');
        $this->type = Data::text($data, 'type');
        $this->help = Data::text($data, 'help');
        $this->labelNames = Data::list($data, 'labelNames');
        foreach ($data['samples'] ?? [] as $sample) {
            $this->samples[] = new Sample($sample);
        }
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
}
