<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What the text format writes with a backslash.
 *
 * @internal
 */
final class Escape
{
    private const IN_HELP = ['\\' => '\\\\', "\n" => '\\n'];

    public static function help(string $help): string
    {
        return strtr($help, self::IN_HELP);
    }

    /**
     * @param array<string, string> $labels
     * @return string in braces; nothing where there are none
     */
    public static function labels(array $labels): string
    {
        $pairs = [];
        foreach ($labels as $name => $value) {
            $pairs[] = $name . '="' . strtr($value, self::IN_HELP + ['"' => '\\"']) . '"';
        }
        return $pairs === [] ? '' : '{' . implode(',', $pairs) . '}';
    }

    /** The lines that a family begins with. */
    public static function header(string $name, string $help, string $type): string
    {
        $first = $help === '' ? '' : "# HELP $name " . self::help($help) . "\n";
        return $first . "# TYPE $name $type\n";
    }
}
