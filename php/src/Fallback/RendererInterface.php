<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What makes a page of samples.
 */
interface RendererInterface
{
    /**
     * @param array<MetricFamilySamples> $metrics
     */
    public function render(array $metrics): string;
}
