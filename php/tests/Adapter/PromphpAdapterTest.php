<?php

declare(strict_types=1);

namespace Promshm\Tests\Adapter;

use Prometheus\Storage\Adapter;
use Promshm\Counter;
use Promshm\Storage\PromphpAdapter;

/**
 * The contract of a PromPHP storage.
 */
final class PromphpAdapterTest extends AdapterTestCase
{
    public function testAFamilyHasTheShapeThatPromphpTakes(): void
    {
        $this->counter(2);
        $this->counter(1.5);
        self::assertSame([[
            'name' => 'app_counter',
            'type' => 'counter',
            'help' => 'A counter.',
            'labelNames' => ['queue'],
            'samples' => [
                ['name' => 'app_counter', 'labelNames' => [], 'labelValues' => ['mail'], 'value' => '3.5'],
            ],
        ]], $this->collected());
    }

    public function testACounterWithoutLabels(): void
    {
        $this->counter(1, ['labelNames' => [], 'labelValues' => [], 'help' => '']);
        $family = $this->collected()[0];
        self::assertSame(['', []], [$family['help'], $family['labelNames']]);
        self::assertSame(['app_counter 1'], $this->lines());
    }

    public function testACounterIsSetBackToZero(): void
    {
        $this->counter(5);
        $this->counter(1, ['command' => Adapter::COMMAND_SET]);
        self::assertSame(['app_counter mail 0'], $this->lines());
        $this->counter(2);
        self::assertSame(['app_counter mail 2'], $this->lines());
    }

    public function testAGaugeIsSetAndAddedTo(): void
    {
        $this->gauge(5.5);
        $this->gauge(2, Adapter::COMMAND_INCREMENT_FLOAT);
        $this->gauge(-10, Adapter::COMMAND_INCREMENT_FLOAT);
        self::assertSame(['app_gauge mail -2.5'], $this->lines());
        $this->gauge(1);
        self::assertSame(['app_gauge mail 1'], $this->lines());
    }

    public function testNumbersMayBeStrings(): void
    {
        $this->counter('2');
        $this->gauge('2.5');
        $this->gauge('1', Adapter::COMMAND_INCREMENT_INTEGER);
        self::assertSame(['app_counter mail 2', 'app_gauge mail 3.5'], $this->lines());
    }

    public function testAHistogramIsCumulativeWithCountBeforeSum(): void
    {
        $this->histogram(0.7);
        $this->histogram(5);
        $this->histogram(70);
        self::assertSame([
            'app_histogram_bucket mail 0.5 0',
            'app_histogram_bucket mail 1 1',
            'app_histogram_bucket mail 5 2',
            'app_histogram_bucket mail +Inf 3',
            'app_histogram_count mail 3',
            'app_histogram_sum mail 75.7',
        ], $this->lines());
        $family = $this->collected()[0];
        self::assertSame(['queue'], $family['labelNames']);
        $ownLabels = array_map(static fn (array $sample): array => $sample['labelNames'], $family['samples']);
        self::assertSame([['le'], ['le'], ['le'], ['le'], [], []], $ownLabels);
    }

    public function testBoundsAreWrittenAsPromphpWritesThem(): void
    {
        $buckets = [-1, 0.00001, 0.1, 1.0, 1000000, 1e25];
        $this->histogram(1, ['buckets' => $buckets, 'labelNames' => [], 'labelValues' => []]);
        $labels = array_merge(...array_column($this->collected()[0]['samples'], 'labelValues'));
        self::assertSame(['-1', '1e-05', '0.1', '1', '1000000', '1e+25', '+Inf'], $labels);
    }

    public function testASummaryHasNearestRankQuantiles(): void
    {
        foreach (range(1, 10) as $value) {
            $this->summary($value);
        }
        self::assertSame([
            'app_summary mail 0.5 5',
            'app_summary mail 0.9 9',
            'app_summary_count mail 10',
            'app_summary_sum mail 55',
        ], $this->lines());
    }

    public function testFamiliesAndSamplesAreSorted(): void
    {
        $this->gauge(1);
        foreach (['b', 'd', 'a', 'c'] as $queue) {
            $this->counter(1, ['labelValues' => [$queue]]);
        }
        $expected = ['app_counter a 1', 'app_counter b 1', 'app_counter c 1', 'app_counter d 1', 'app_gauge mail 1'];
        self::assertSame($expected, $this->lines());
        $this->adapter->collect(false);
    }

    public function testLabelValuesComeBackAsTheyWere(): void
    {
        $values = ['a"b', 'a\\b', "a\nb", 'a\\nb', 'a}b', 'a,b="c"', 'a b', '', 'é'];
        foreach ($values as $value) {
            $this->counter(1, ['labelNames' => ['x', 'y'], 'labelValues' => [$value, $value]]);
        }
        $found = array_map(static fn (array $sample) => $sample['labelValues'], $this->collected()[0]['samples']);
        self::assertEqualsCanonicalizing(array_map(static fn ($value) => [$value, $value], $values), $found);
    }

    public function testAWipeLeavesNothingAndMetricsGoOn(): void
    {
        $this->counter(5);
        $this->histogram(1);
        $this->adapter->wipeStorage();
        self::assertSame([], $this->adapter->collect());
        $this->counter(1);
        self::assertSame(['app_counter mail 1'], $this->lines());
    }

    public function testAHelpTextMayChangeWithAWipe(): void
    {
        $this->counter(1);
        $this->counter(1, ['help' => 'Too late.']);
        self::assertSame('A counter.', $this->collected()[0]['help']);
        $this->adapter->wipeStorage();
        $this->counter(1, ['help' => 'In time.']);
        self::assertSame('In time.', $this->collected()[0]['help']);
    }

    public function testTwoAdaptersShareOneStorage(): void
    {
        $this->counter(1);
        (new PromphpAdapter())->updateCounter([
            'name' => 'app_counter', 'help' => 'A counter.', 'type' => 'counter', 'labelNames' => ['queue'],
            'labelValues' => ['mail'], 'value' => 2, 'command' => Adapter::COMMAND_INCREMENT_INTEGER,
        ]);
        self::assertSame(['app_counter mail 3'], $this->lines());
    }

    public function testItCountsIntoTheSameMetricAsTheClassesOfThePackage(): void
    {
        $this->counter(1);
        (new Counter('app_counter', '', ['queue']))->labels('mail')->incBy(2);
        self::assertSame(['app_counter mail 3'], $this->lines());
    }
}
