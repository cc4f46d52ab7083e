<?php

declare(strict_types=1);

namespace Prometheus;

/**
 * What a storage returns for each metric, as the adapter needs it.
 */
class MetricFamilySamples
{
    /**
     * @param array<mixed> $data name, type, help, labelNames, samples
     */
    public function __construct(public readonly array $data)
    {
    }

    /**
     * @return array<Sample>
     */
    public function getSamples(): array
    {
        return [];
    }
}
