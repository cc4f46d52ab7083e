<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * Makes a page in Prometheus's text format 0.0.4.
 *
 * @api
 */
class RenderTextFormat implements RendererInterface
{
    public const MIME_TYPE = 'text/plain; version=0.0.4';

    /**
     * @param array<MetricFamilySamples> $metrics
     */
    public function render(array $metrics, bool $silent = false): string
    {
        foreach ($metrics as $family) {
            if (!$family instanceof MetricFamilySamples) {
                throw new InvalidArgumentException('render() needs a list of Promshm\MetricFamilySamples');
            }
        }
        usort($metrics, static fn (MetricFamilySamples $a, MetricFamilySamples $b): int =>
            strcmp($a->getName(), $b->getName()));
        $page = '';
        foreach ($metrics as $family) {
            $page .= Escape::header($family->getName(), $family->getHelp(), $family->getType());
            foreach ($family->getSamples() as $sample) {
                $page .= self::sample($family, $sample, $silent);
            }
        }
        return $page;
    }

    private static function sample(MetricFamilySamples $family, Sample $sample, bool $silent): string
    {
        $names = [...$family->getLabelNames(), ...$sample->getLabelNames()];
        $values = array_map(Data::plain(...), $sample->getLabelValues());
        if (count($names) === count($values)) {
            return $sample->getName() . Escape::labels(array_combine($names, $values)) . " {$sample->getValue()}\n";
        }
        $counts = sprintf('%d label names, but %d label values', count($names), count($values));
        $message = "{$sample->getName()} has $counts";
        return $silent ? "# Error: $message\n" : throw new InvalidArgumentException($message);
    }
}
