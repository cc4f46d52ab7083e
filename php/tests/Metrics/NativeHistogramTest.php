<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use PHPUnit\Framework\Attributes\DataProvider;
use Promshm\CollectorRegistry;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Exception\MetricsRegistrationException;
use Promshm\Histogram;
use Promshm\NativeHistogram;
use Promshm\NativeHistogramInterface;
use Promshm\RenderTextFormat;
use Promshm\Tests\MetricsTestCase;
use Promshm\Timer;

final class NativeHistogramTest extends MetricsTestCase
{
    /** What a scraper of text gets. */
    private static function page(): string
    {
        $families = (new CollectorRegistry(null, false))->getMetricFamilySamples();
        return (string) preg_replace('/^#.*\n/m', '', (new RenderTextFormat())->render($families));
    }

    public function testItCountsBetweenPowersOfTwo(): void
    {
        $histogram = new NativeHistogram('h', '', ['a'], 1.1, 0.3, 1);
        foreach ([-2, 0, 0.25, 0.26, 0.5, 0.51, 1, 1.01, INF] as $value) {
            $histogram->observe($value, ['x']);
        }
        $expected = <<<'PAGE'
            h_bucket{a="x",le="0.25"} 3
            h_bucket{a="x",le="0.5"} 5
            h_bucket{a="x",le="1.0"} 7
            h_bucket{a="x",le="+Inf"} 9
            h_count{a="x"} 9
            h_sum{a="x"} +Inf

            PAGE;
        self::assertSame($expected, self::page());
    }

    /**
     * @dataProvider windows
     */
    #[DataProvider('windows')]
    public function testBoundsOfTheWindow(float $factor, float $min, float $max, string $expected): void
    {
        new NativeHistogram('h', '', [], $factor, $min, $max);
        preg_match_all('/le="(.*?)"/', self::page(), $bounds);
        self::assertSame("$expected +Inf", implode(' ', $bounds[1]));
    }

    /**
     * @return array<array{float, float, float, string}>
     */
    public static function windows(): array
    {
        return [
            [1.1, 1.0, 2.0, '1.0 2.0'],
            [1.1, 0.9, 2.1, '0.5 1.0 2.0 4.0'],
            [2.0, 0.3, 0.4, '0.25 0.5'],
            [1.0001, 1.0, 1.5, '1.0 2.0'],
            [4.0, 0.5, 2.0, '0.25 1.0 4.0'],
            [300.0, 1.0, 256.0, '1.0 256.0'],
            [1e9, 1.0, 65536.0, '1.0 65536.0'],
        ];
    }

    public function testDefaultWindow(): void
    {
        new NativeHistogram('h');
        preg_match_all('/le="(.*?)"/', self::page(), $bounds);
        self::assertCount(38, $bounds[1]);
        self::assertSame([2 ** -20, 65536.0], [(float) $bounds[1][0], (float) $bounds[1][36]]);
    }

    /**
     * @dataProvider windowsThatMakeNoSense
     * @param array<mixed> $window
     */
    #[DataProvider('windowsThatMakeNoSense')]
    public function testWindowsThatMakeNoSense(array $window, string ...$mentions): void
    {
        $construct = fn () => new NativeHistogram('h', '', [], ...$window);
        self::assertThrows(InvalidArgumentException::class, $construct, ...$mentions);
    }

    /**
     * @return array<array<mixed>>
     */
    public static function windowsThatMakeNoSense(): array
    {
        return [
            [[1.0], 'bucketFactor', '1'],
            [[NAN], 'bucketFactor', 'NaN'],
            [[INF], 'bucketFactor'],
            [[1.1, 0.0], 'min and max', 'got 0 and 65536'],
            [[1.1, 2, 1], 'min and max', 'got 2 and 1'],
            [[1.1, 1e-310], 'min and max'],
            [[1.1, 1, NAN], 'min and max', 'got 1 and NaN'],
            [[2, 1, PHP_FLOAT_MAX], 'min and max'],
            [[1.01], 'From 2^-20 to 2^16', '(schema 7)', '4608 buckets', 'room for 506', 'at least 1.0906'],
            [[1.1, 1e-300, 1e300], 'From 2^-997 to 2^997', '(schema 3)', '15952 buckets', 'at least 16'],
        ];
    }

    public function testItIsUsedAsAHistogram(): void
    {
        $histogram = new NativeHistogram('h', 'Help.', ['a'], 2, 1, 2);
        self::assertInstanceOf(NativeHistogramInterface::class, $histogram);
        self::assertSame(['h', 'Help.', ['a'], 'histogram'], [
            $histogram->getName(),
            $histogram->getHelp(),
            $histogram->getLabelNames(),
            $histogram->getType(),
        ]);
        $histogram->init(['x']);
        self::assertStringContainsString('h_count{a="x"} 0', self::page());
        $histogram->labels('y')->observe(1, [], ['trace_id' => 'abc']);
        self::assertInstanceOf(Timer::class, $histogram->startTimer(['y']));
        $histogram->startTimer(['y'])->observeDuration();
        self::assertSame(3, $histogram->time(fn () => 3, ['y']));
        self::assertStringContainsString('h_count{a="y"} 3', self::page());
        self::assertTrue($histogram->remove(['x']));
        self::assertSame([1, 0], [$histogram->removeMatching(['a' => 'y']), $histogram->clear()]);
        self::assertThrows(InvalidArgumentException::class, fn () => new NativeHistogram('i', '', ['le']), 'le');
    }

    public function testNameHasOneDefinition(): void
    {
        new NativeHistogram('h', '', [], 1.1, 1, 2);
        new NativeHistogram('h', 'Other help.', [], 1.09051, 1.5, 2); // which makes the same buckets
        $others = [
            fn () => new NativeHistogram('h', '', [], 1.2, 1, 2),
            fn () => new NativeHistogram('h', '', [], 1.1, 1, 4),
            fn () => new Histogram('h', '', [], [1, 2]),
        ];
        foreach ($others as $other) {
            self::assertThrows(MetricsRegistrationException::class, $other, 'h');
        }
    }

    public function testRegistryHandsOut(): void
    {
        $registry = new CollectorRegistry(null, false);
        $histogram = $registry->registerNativeHistogram('app', 'h', 'Help.', ['a'], 2, 1, 2);
        self::assertSame($histogram, $registry->getNativeHistogram('app', 'h'));
        self::assertSame($histogram, $registry->getOrRegisterNativeHistogram('app', 'h', 'Help.', ['a']));
        $again = fn () => $registry->registerNativeHistogram('app', 'h', '');
        self::assertThrows(MetricsRegistrationException::class, $again, 'NativeHistogram app_h');
        $histogram->observe(1, ['x']);
        self::assertStringContainsString('app_h_bucket{a="x",le="1.0"} 1', self::page());
    }
}
