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
        $value = $data[$key] ?? null;
        return is_string($value) ? $value : throw new InvalidArgumentException("$key must be a string");
    }

    /**
     * @param array<mixed> $data
     * @return list<mixed>
     */
    public static function list(array $data, string $key): array
    {
        $value = $data[$key] ?? null;
        return is_array($value) ? $value : throw new InvalidArgumentException("$key must be an array");
    }

    /**
     * @param array<mixed> $data
     * @return string with all the digits that a float has
     */
    public static function number(array $data, string $key): string
    {
        $value = $data[$key] ?? null;
        return match (true) {
            is_float($value) => Number::value($value),
            is_scalar($value) => (string) $value,
            default => throw new InvalidArgumentException("$key must be a number or a string"),
        };
    }
}
