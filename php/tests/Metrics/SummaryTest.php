<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use PHPUnit\Framework\Attributes\DataProvider;
use Promshm\CollectorRegistry;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Exception\MetricsRegistrationException;
use Promshm\Sample;
use Promshm\Summary;
use Promshm\Tests\MetricsTestCase;

final class SummaryTest extends MetricsTestCase
{
    public function testQuantilesByNearestRank(): void
    {
        $summary = new Summary('s', '', ['a'], 60, [0.1, 0.5, 0.99]);
        foreach (range(10, 1) as $value) {
            $summary->observe($value / 2, ['x']);
        }
        self::assertSamples(
            's{a="x",quantile="0.1"} 0.5',
            's{a="x",quantile="0.5"} 2.5',
            's{a="x",quantile="0.99"} 5',
            's_sum{a="x"} 27.5',
            's_count{a="x"} 10'
        );
        self::assertSame('summary', $summary->getType());
    }

    public function testDefaults(): void
    {
        (new Summary('s'))->observe(3);
        preg_match_all('/quantile="(.*?)"/', self::samples(), $quantiles);
        self::assertSame(['0.01', '0.05', '0.5', '0.95', '0.99'], $quantiles[1]);
        self::assertSame(array_map('floatval', $quantiles[1]), Summary::getDefaultQuantiles());
    }

    public function testTheWindowForgetsAndTheTotalsDoNot(): void
    {
        $summary = new Summary('s', '', ['a'], 1, [0.5]);
        $summary->observe(100, ['x']);
        self::await(static fn () => str_contains(self::samples(), 'NaN'));
        self::assertSamples('s{a="x",quantile="0.5"} NaN', 's_sum{a="x"} 100', 's_count{a="x"} 1');
        self::assertSame([], self::window());
        $summary->observe(0.1, ['x']);
        $summary->observe(0.2, ['x']);
        self::assertSamples('s{a="x",quantile="0.5"} 0.1', 's_sum{a="x"} 100.3', 's_count{a="x"} 3');
        self::assertSame(['s x 0.5 0.1', 's_count x 2', 's_sum x 0.30000000000000004'], self::window());
    }

    public function testTheLatestObservationsAreKept(): void
    {
        $summary = new Summary('s', '', [], 60, [0.5, 0.999]);
        for ($value = 1; $value <= 3000; $value++) {
            $summary->observe($value);
        }
        self::assertSamples('s{quantile="0.5"} 2488', 's{quantile="0.999"} 2999', 's_sum 4501500', 's_count 3000');
    }

    /**
     * @dataProvider shapesThatMakeNoSense
     * @param array<mixed>|null $quantiles
     */
    #[DataProvider('shapesThatMakeNoSense')]
    public function testShapesThatMakeNoSense(int $maxAge, ?array $quantiles, string $mention): void
    {
        $construct = fn () => new Summary('s', '', [], $maxAge, $quantiles);
        self::assertThrows(InvalidArgumentException::class, $construct, $mention);
    }

    /**
     * @return array<mixed>
     */
    public static function shapesThatMakeNoSense(): array
    {
        return [
            [0, null, 'maxAgeSeconds'], [-1, null, 'maxAgeSeconds'], [PHP_INT_MAX, null, 'maxAgeSeconds'],
            [60, [], 'quantile'], [60, [0], 'between 0 and 1'], [60, [1], 'between 0 and 1'],
            [60, [0.5, 0.5], 'increasing'], [60, [0.9, 0.5], 'increasing'], [60, ['x'], 'numbers'],
            [60, [NAN], 'between 0 and 1'], [60, range(0.001, 0.2, 0.001), 'quantiles'],
        ];
    }

    public function testOneNameHasOneShape(): void
    {
        new Summary('s', '', [], 60, [0.5]);
        foreach ([[61, [0.5]], [60, [0.6]], [60, null]] as [$maxAge, $quantiles]) {
            $construct = fn () => new Summary('s', '', [], $maxAge, $quantiles);
            self::assertThrows(MetricsRegistrationException::class, $construct, 's');
        }
    }

    public function testBoundAndRemoved(): void
    {
        $summary = new Summary('s', '', ['a'], 60, [0.5]);
        $bound = $summary->labels('x');
        $bound->observe(1);
        $summary->observe(3, ['a' => 'x']);
        self::assertStringContainsString("s_sum{a=\"x\"} 4\n", self::samples());
        self::assertTrue($summary->remove(['x']));
        self::assertSamples();
        $bound->observe(2);
        self::assertSamples('s{a="x",quantile="0.5"} 2', 's_sum{a="x"} 2', 's_count{a="x"} 1');
    }

    public function testARegistryHandsItOut(): void
    {
        $registry = new CollectorRegistry(null, false);
        $summary = $registry->registerSummary('app', 's', 'Help.', ['a'], 60, [0.5]);
        self::assertSame($summary, $registry->getOrRegisterSummary('app', 's', ''));
        self::assertSame($summary, $registry->getSummary('app', 's'));
        $summary->observe(2, ['x']);
        [$family] = $registry->getMetricFamilySamples();
        self::assertSame(['a'], $family->getLabelNames());
        self::assertSame(['app_s x 0.5 2', 'app_s_count x 1', 'app_s_sum x 2'], self::lines($family->getSamples()));
    }

    /**
     * @return list<string>
     */
    private static function window(): array
    {
        [$family] = (new CollectorRegistry(null, false))->getMetricFamilySamples();
        return self::lines($family->getWindowSamples());
    }

    /**
     * @param list<Sample> $samples
     * @return list<string>
     */
    private static function lines(array $samples): array
    {
        return array_map(static fn (Sample $sample): string =>
            implode(' ', [$sample->getName(), ...$sample->getLabelValues(), $sample->getValue()]), $samples);
    }
}
