<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * Reads the arrays that families and samples are constructed of.
 *
 * @internal
 */
final class Data
{
    /**
     * @param array<mixed> $data
     */
    public static function text(array $data, string $key): string
    {
        return isset($data[$key]) && is_string($data[$key])
            ? $data[$key]
            : throw new InvalidArgumentException("$key must be a string");
    }

    /**
     * @param array<mixed> $data
     * @return list<mixed>
     */
    public static function list(array $data, string $key): array
    {
        return isset($data[$key]) && is_array($data[$key])
            ? array_values($data[$key])
            : throw new InvalidArgumentException("$key must be an array");
    }

    /**
     * @param array<mixed> $data
     * @return list<string>
     */
    public static function names(array $data, string $key): array
    {
        return array_map(self::plain(...), self::list($data, $key));
    }

    /**
     * @param array<mixed> $data
     * @return list<array<mixed>> none where there is no array under the key
     */
    public static function arrays(array $data, string $key): array
    {
        $all = isset($data[$key]) && is_array($data[$key]) ? array_values($data[$key]) : [];
        return array_map(static fn (mixed $one): array => is_array($one)
            ? $one
            : throw new InvalidArgumentException("Each of the $key is an array"), $all);
    }

    /** The text of any value. */
    public static function plain(mixed $value): string
    {
        return $value === null || is_scalar($value) || $value instanceof \Stringable
            ? (string) $value
            : get_debug_type($value);
    }

    /**
     * @param array<mixed> $data
     * @return string with all the digits that a float has
     */
    public static function number(array $data, string $key): string
    {
        return match (true) {
            !isset($data[$key]) => throw new InvalidArgumentException("$key must be a number or a string"),
            is_float($data[$key]) => Number::value($data[$key]),
            is_scalar($data[$key]) => (string) $data[$key],
            default => throw new InvalidArgumentException("$key must be a number or a string"),
        };
    }
}
