<?php

declare(strict_types=1);

namespace Prometheus;

/**
 * What a storage's sample answers to, as the adapter needs it.
 */
class Sample
{
    /**
     * @param array<mixed> $data name, labelNames, labelValues, value
     */
    public function __construct(private array $data)
    {
    }

    public function getName(): string
    {
        return is_string($this->data['name']) ? $this->data['name'] : '';
    }

    /**
     * @return array<mixed>
     */
    public function getLabelNames(): array
    {
        return (array) $this->data['labelNames'];
    }

    /**
     * @return array<mixed>
     */
    public function getLabelValues(): array
    {
        return (array) $this->data['labelValues'];
    }

    public function getValue(): string
    {
        return is_scalar($this->data['value']) ? (string) $this->data['value'] : '';
    }

    public function hasLabelNames(): bool
    {
        return $this->data['labelNames'] !== [];
    }
}
