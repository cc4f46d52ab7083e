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
        ['name' => $name, 'help' => $help, 'type' => $type] = get_object_vars($family->definition);
        $page = Escape::header($name, $help, $type);
        foreach ($all as $series) {
            $labels = array_combine($family->definition->labelNames, $series->labelValues);
            foreach (Lines::of($family->definition, $series) as [$suffix, $own, $value]) {
                $page .= $name . $suffix . Escape::labels($labels + $own) . " $value\n";
            }
        }
        return $page;
    }
}
