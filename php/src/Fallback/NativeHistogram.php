<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * Observations counted in exponential buckets, kept in this process: as the classic histogram that the extension shows
 * where text is asked for, with the powers of two as buckets.
 */
final class NativeHistogram implements NativeHistogramInterface
{
    use Metric;
    use StartsFromZero;
    use Observes;

    private const SCHEMAS = [-4, 8];
    private const EXPONENTS = [-1022, 1023];
    private const MOST_BUCKETS = 506;

    /**
     * @param list<string> $labelNames
     */
    public function __construct(
        string $name,
        string $help = '',
        array $labelNames = [],
        float $bucketFactor = 1.1,
        float $min = 1e-6,
        float $max = 65536
    ) {
        $schema = self::schema($bucketFactor);
        $bounds = self::bounds($schema, $min, $max);
        $this->standFor(new Definition('histogram', $name, $help, $labelNames, bounds: $bounds, schema: $schema));
    }

    /** The coarsest schema whose buckets grow by the factor at most. */
    private static function schema(float $factor): int
    {
        if (!($factor > 1 && is_finite($factor))) {
            $rule = 'must be a finite number above 1, such as 1.1';
            throw new InvalidArgumentException('bucketFactor ' . $rule . ', got ' . Number::value($factor));
        }
        [$schema, $finest] = self::SCHEMAS;
        while ($schema < $finest && self::growth($schema) > $factor) {
            $schema++;
        }
        return $schema;
    }

    /** The factor from one bucket's bound to the next one's. */
    private static function growth(int $schema): float
    {
        return 2.0 ** (2.0 ** -$schema);
    }

    /**
     * The powers of two from the last one below the range to the first one above it.
     *
     * @return list<float>
     */
    private static function bounds(int $schema, float $min, float $max): array
    {
        $unit = 2 ** max(0, -$schema);
        $least = 2.0 ** self::EXPONENTS[0];
        $isRange = $min >= $least && $min < $max && is_finite($max);
        $from = $isRange ? (int) floor(self::exponent($min, false) / $unit) * $unit : 0;
        $to = $isRange ? (int) ceil(self::exponent($max, true) / $unit) * $unit : 0;
        if (!$isRange || $from < self::EXPONENTS[0] || $to > self::EXPONENTS[1]) {
            $rule = 'must be positive, finite numbers, min below max and up to 2^1023';
            [$min, $max] = [Number::value($min), Number::value($max)];
            throw new InvalidArgumentException("min and max $rule, got $min and $max");
        }
        self::checkRoom($schema, $from, $to);
        return array_map(static fn (int $exponent): float => 2.0 ** $exponent, range($from, $to, $unit));
    }

    private static function checkRoom(int $schema, int $from, int $to): void
    {
        $count = static fn (int $schema): int => (int) (($to - $from) * 2.0 ** $schema);
        $buckets = $count($schema);
        if ($buckets <= self::MOST_BUCKETS) {
            return;
        }
        $fitting = $schema;
        while ($count($fitting) > self::MOST_BUCKETS) {
            $fitting--;
        }
        $factor = ceil(self::growth($fitting) * 1e4) / 1e4;
        throw new InvalidArgumentException(
            "From 2^$from to 2^$to with this bucketFactor (schema $schema) a series would have $buckets buckets, "
            . 'and there is room for ' . self::MOST_BUCKETS . ": pass a bucketFactor of at least $factor, "
            . 'or bring min and max closer together'
        );
    }

    /** The exponent of the last power of two that is not above the number, or of the first that is not below. */
    private static function exponent(float $number, bool $above): int
    {
        $exponent = (int) floor(log($number, 2));
        // The logarithm is rounded, so it may be that of the next power.
        $exponent -= 2.0 ** $exponent > $number ? 1 : 0;
        $exponent += 2.0 ** ($exponent + 1) <= $number ? 1 : 0;
        return $exponent + ($above && 2.0 ** $exponent < $number ? 1 : 0);
    }
}
