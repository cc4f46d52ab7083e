<?php

declare(strict_types=1);

namespace Promshm\Storage;

// Else PHP looks for them in this namespace at each call.
use function array_is_list;
use function is_bool;
use function is_float;
use function is_string;

/**
 * Labels and numbers spelt as PromPHP's storages spell them, so that a series keeps its name when only the
 * storage changes.
 *
 * @internal
 * @phpstan-import-type Labels from PromphpAdapter
 */
final class Spelling
{
    /**
     * Label values for the extension, which spells floats and bools in its own way and takes keyed values by name.
     * PromPHP takes them by position, whatever their keys are. Where the keys are the very names of the labels, the
     * program means those: by position the values would stand under each other's names.
     *
     * @param array<string> $names
     * @param Labels $values as many as names
     * @return Labels
     */
    public static function labels(array $names, array $values): array
    {
        if (!array_is_list($values) && array_diff_key(array_flip($names), $values) !== []) {
            $values = array_values($values);
        }
        foreach ($values as $key => $value) {
            if (is_string($value)) {
                continue;
            }
            if (is_float($value)) {
                $values[$key] = self::float($value);
            } elseif (is_bool($value)) {
                $values[$key] = (string) $value;
            }
        }
        return $values;
    }

    /** A float as PHP writes it by its default `precision` of 14, whatever the setting is. */
    public static function float(float $value): string
    {
        return match (true) {
            is_nan($value) => 'NAN',
            is_infinite($value) => $value > 0 ? 'INF' : '-INF',
            default => sprintf('%.14G', $value),
        };
    }

    /**
     * A bucket's bound or a quantile: `1` for `1.0`, `1000000` for `1e+06`. A whole number is taken for an int, which
     * PHP writes out.
     */
    public static function bound(string $bound): string
    {
        if (!is_numeric($bound)) {
            return $bound;
        }
        $number = (float) $bound;
        $isWritten = floor($number) === $number && abs($number) < 1e15;
        return $isWritten ? sprintf('%.0F', $number) : self::float($number);
    }

    /** A sample's value, of which PromPHP writes one in another way: it has no shorter name for what is no number. */
    public static function value(string $value): string
    {
        return $value === 'NaN' ? 'NAN' : $value;
    }
}
