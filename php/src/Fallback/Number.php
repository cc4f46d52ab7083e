<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * Numbers as the text format has them: the shortest decimals that read back the same, whatever the
 * settings `precision` and `serialize_precision` and the locale say.
 *
 * @internal
 */
final class Number
{
    /** Whole numbers below this are written out. */
    private const WRITTEN_OUT = 1e21;

    /** A sample's value: `3`, `0.1`, `1e+21`, `+Inf`, `NaN`. */
    public static function value(float $value): string
    {
        return match (true) {
            is_nan($value) => 'NaN',
            is_infinite($value) => $value > 0 ? '+Inf' : '-Inf',
            $value === 0.0 => fdiv(1, $value) < 0 ? '-0' : '0',
            floor($value) === $value && abs($value) < self::WRITTEN_OUT => sprintf('%.0F', $value),
            default => self::shortest($value),
        };
    }

    /** A bucket's bound: `0.5`, `1.0`, `1e+06`, `+Inf`. */
    public static function bound(float $bound): string
    {
        if (is_infinite($bound)) {
            return self::value($bound);
        }
        [$mantissa, $exponent] = self::scientific($bound);
        if ($exponent >= -4 && $exponent < 6) {
            $text = self::value($bound);
            return str_contains($text, '.') ? $text : "$text.0";
        }
        return sprintf('%se%s%02d', $mantissa, $exponent < 0 ? '-' : '+', abs($exponent));
    }

    /** A label's value: as PHP spells it with `precision=-1`, by the shortest digits that read back the same. */
    public static function label(float $value): string
    {
        return match (true) {
            is_nan($value) => 'NAN',
            is_infinite($value) => $value > 0 ? 'INF' : '-INF',
            $value === 0.0 => fdiv(1, $value) < 0 ? '-0' : '0',
            default => self::spelt(...self::scientific($value)),
        };
    }

    private static function spelt(string $mantissa, int $power): string
    {
        [$sign, $mantissa] = $mantissa[0] === '-' ? ['-', substr($mantissa, 1)] : ['', $mantissa];
        $digits = str_replace('.', '', $mantissa);
        return $sign . match (true) {
            $power < -4 || $power >= 17
                => (strlen($digits) > 1 ? $mantissa : "$mantissa.0") . sprintf('E%+d', $power),
            $power < 0 => '0.' . str_repeat('0', -$power - 1) . $digits,
            $power < strlen($digits) - 1 => substr($digits, 0, $power + 1) . '.' . substr($digits, $power + 1),
            default => str_pad($digits, $power + 1, '0'),
        };
    }

    private static function shortest(float $value): string
    {
        $fewest = abs($value) < PHP_FLOAT_MIN ? 1 : 15; // all numbers of 15 digits are told apart, but the tiniest
        foreach (range($fewest, 16) as $digits) {
            $text = sprintf("%.{$digits}h", $value);
            if ((float) $text === $value) {
                return str_replace('.0e', 'e', $text);
            }
        }
        return str_replace('.0e', 'e', sprintf('%.17h', $value));
    }

    /**
     * @return array{string, int} mantissa and power of ten
     */
    private static function scientific(float $value): array
    {
        $digits = 0;
        do {
            $text = sprintf("%.{$digits}e", $value);
        } while ((float) $text !== $value && ++$digits <= 17);
        [$mantissa, $exponent] = explode('e', $text);
        return [$mantissa, (int) $exponent];
    }
}
