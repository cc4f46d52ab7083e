<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * Lists of numbers, as buckets and quantiles are.
 *
 * @internal
 */
final class Numbers
{
    /**
     * @param array<mixed> $list
     * @return list<float>
     * @throws InvalidArgumentException if one is no number
     */
    public static function of(array $list, string $what): array
    {
        return array_map(static fn (mixed $number): float => is_numeric($number)
            ? (float) $number
            : throw new InvalidArgumentException("$what must be a list of numbers"), array_values($list));
    }

    /**
     * @param list<float> $numbers
     * @throws InvalidArgumentException if they do not
     */
    public static function mustIncrease(array $numbers, string $what): void
    {
        for ($i = 1; $i < count($numbers); $i++) {
            if ($numbers[$i - 1] >= $numbers[$i]) {
                [$before, $after] = [Number::value($numbers[$i - 1]), Number::value($numbers[$i])];
                throw new InvalidArgumentException("$what must be increasing numbers: $before is followed by $after");
            }
        }
    }
}
