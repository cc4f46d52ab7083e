<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use PHPUnit\Framework\Attributes\DataProvider;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Histogram;
use Promshm\Tests\MetricsTestCase;
use Promshm\Timer;

final class HistogramTest extends MetricsTestCase
{
    public function testItCountsInBuckets(): void
    {
        $histogram = new Histogram('h', '', ['a'], [-1, 0.25, 1, 1000000, INF]);
        foreach ([-2, 0.25, 0.3, 1e7, NAN] as $value) {
            $histogram->observe($value, ['x']);
        }
        self::assertSamples(
            'h_bucket{a="x",le="-1.0"} 1',
            'h_bucket{a="x",le="0.25"} 2',
            'h_bucket{a="x",le="1.0"} 3',
            'h_bucket{a="x",le="1e+06"} 3',
            'h_bucket{a="x",le="+Inf"} 5',
            'h_sum{a="x"} NaN',
            'h_count{a="x"} 5'
        );
    }

    public function testDefaultBuckets(): void
    {
        (new Histogram('h'))->observe(0.03);
        preg_match_all('/le="(.*?)"/', self::samples(), $bounds);
        $expected = '0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1.0 2.5 5.0 7.5 10.0 +Inf';
        self::assertSame($expected, implode(' ', $bounds[1]));
        self::assertSame(array_map('floatval', array_slice($bounds[1], 0, -1)), Histogram::getDefaultBuckets());
    }

    /**
     * @dataProvider bucketsThatMakeNoSense
     * @param array<mixed> $buckets
     */
    #[DataProvider('bucketsThatMakeNoSense')]
    public function testBucketsThatMakeNoSense(array $buckets): void
    {
        $construct = fn () => new Histogram('h', '', [], $buckets);
        self::assertThrows(InvalidArgumentException::class, $construct, 'bucket');
    }

    /**
     * @return array<mixed>
     */
    public static function bucketsThatMakeNoSense(): array
    {
        return [[[]], [[INF]], [[1, 1]], [[2, 1]], [[1, NAN]], [[-INF, 1]], [[1, INF, 2]], [['x']], [[null]], [[[]]]];
    }

    public function testBucketHelpers(): void
    {
        self::assertSame([1.0, 2.0, 4.0], Histogram::exponentialBuckets(1, 2, 3));
        self::assertSame([0.5], Histogram::exponentialBuckets(0.5, 1.5, 1));
        self::assertSame([-1.0, -0.5, 0.0], Histogram::linearBuckets(-1, 0.5, 3));
    }

    /**
     * @dataProvider badHelpers
     */
    #[DataProvider('badHelpers')]
    public function testBucketHelpersRefuse(string $helper, float $start, float $step, int $number): void
    {
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => [Histogram::class, $helper]($start, $step, $number));
    }

    /**
     * @return array<mixed>
     */
    public static function badHelpers(): array
    {
        $exponential = [[0, 2, 3], [-1, 2, 3], [1, 1, 3], [1, 2, 0], [NAN, 2, 3], [1, INF, 3], [1, 2, PHP_INT_MAX]];
        $linear = [[1, 0, 3], [1, -1, 3], [1, 1, 0], [NAN, 1, 3], [1, INF, 3], [1, 1, PHP_INT_MAX]];
        return [
            ...array_map(static fn (array $case): array => ['exponentialBuckets', ...$case], $exponential),
            ...array_map(static fn (array $case): array => ['linearBuckets', ...$case], $linear),
        ];
    }

    public function testTimer(): void
    {
        $histogram = new Histogram('h', '', ['a'], [1000]);
        $before = hrtime(true);
        $timer = $histogram->startTimer(['x']);
        $inner = hrtime(true);
        self::assertInstanceOf(Timer::class, $timer);
        self::assertSamples();
        $inner = (hrtime(true) - $inner) / 1e9;
        $seconds = $timer->observeDuration();
        // But for what this clock and the timer's may be slewed against each other.
        self::assertGreaterThanOrEqual($inner * 0.999, $seconds);
        self::assertLessThanOrEqual((hrtime(true) - $before) / 1e9 * 1.001, $seconds);
        self::assertSame($seconds, $timer->observeDuration());
        self::assertStringContainsString("h_bucket{a=\"x\",le=\"1000.0\"} 1\n", self::samples());
        self::assertSame(1, preg_match('/^h_sum\S+ (\S+)$/m', self::samples(), $sum));
        self::assertSame($seconds, (float) $sum[1]);
    }

    public function testTimeObservesAlsoWhenTheCallThrows(): void
    {
        $histogram = new Histogram('h', '', [], [1000]);
        self::assertSame('result', $histogram->time(fn () => 'result'));
        $failing = fn () => throw new \LogicException('mine');
        self::assertThrows(\LogicException::class, fn () => $histogram->time($failing), 'mine');
        self::assertStringContainsString("h_count 2\n", self::samples());
    }

    public function testRemove(): void
    {
        $histogram = new Histogram('h', '', [], [1]);
        $histogram->observe(1);
        self::assertTrue($histogram->remove());
        $histogram->observe(2);
        self::assertSamples('h_bucket{le="1.0"} 0', 'h_bucket{le="+Inf"} 1', 'h_sum 2', 'h_count 1');
        self::assertSame('histogram', $histogram->getType());
    }
}
