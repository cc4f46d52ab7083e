<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * One line of a page.
 *
 * @api
 */
class Sample
{
    private string $name;

    /** @var list<string> */
    private array $labelNames;

    /** @var list<mixed> */
    private array $labelValues;

    private string $value;

    /**
     * @param array<mixed> $data name, labelNames, labelValues and value; checked
     */
    public function __construct(array $data)
    {
        $this->name = Data::text($data, 'name');
        $this->labelNames = Data::names($data, 'labelNames');
        $this->labelValues = Data::list($data, 'labelValues');
        $this->value = Data::number($data, 'value');
    }

    public function getName(): string
    {
        return $this->name;
    }

    /**
     * @return list<string>
     */
    public function getLabelNames(): array
    {
        return $this->labelNames;
    }

    /**
     * @return list<mixed>
     */
    public function getLabelValues(): array
    {
        return $this->labelValues;
    }

    public function getValue(): string
    {
        return $this->value;
    }

    public function hasLabelNames(): bool
    {
        return $this->labelNames !== [];
    }
}
