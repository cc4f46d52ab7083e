<?php

declare(strict_types=1);

namespace Promshm\Storage;

use Prometheus\MetricFamilySamples;
use Promshm\MetricFamilySamples as Family;
use Promshm\Sample;

/**
 * A metric for PromPHP, whose samples are made when somebody asks for them: of ten thousand histograms they are so
 * many that two copies would not fit into PHP's default memory_limit.
 *
 * @internal
 */
final class PromphpFamily extends MetricFamilySamples
{
    public function __construct(private readonly Family $family, private readonly bool $isCumulative)
    {
        parent::__construct([
            'name' => $family->getName(),
            'type' => $family->getType(),
            'help' => strtr($family->getHelp(), ['\\' => '\\\\', "\n" => '\\n']),
            'labelNames' => $family->getLabelNames(),
            'samples' => [],
        ]);
    }

    /**
     * @return list<PromphpSample>
     */
    public function getSamples(): array
    {
        return array_map(static fn (Sample $sample): PromphpSample => new PromphpSample($sample), $this->samples());
    }

    /** Whether there is nothing to show, as of a summary whose window is empty. */
    public function isEmpty(): bool
    {
        return $this->samples() === [];
    }

    /**
     * @return list<Sample>
     */
    private function samples(): array
    {
        return $this->isCumulative ? $this->family->getSamples() : $this->family->getWindowSamples();
    }
}
