<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * Writes families in Prometheus's text format 0.0.4, as the extension does.
 *
 * @internal
 */
final class PageWriter
{
    /** A family with its header; nothing if it has no series. */
    public static function family(Family $family): string
    {
        $all = $family->all();
        if ($all === []) {
            return '';
        }
        $definition = $family->definition;
        $page = Escape::header($definition->name, $definition->help, $definition->type);
        foreach ($all as $series) {
            $labels = array_combine($definition->labelNames, $series->labelValues);
            foreach (Lines::of($definition, $series) as [$suffix, $own, $value]) {
                $page .= $definition->name . $suffix . Escape::labels($labels + $own) . " $value\n";
            }
        }
        return $page;
    }
}
