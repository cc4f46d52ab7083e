<?php

declare(strict_types=1);

namespace Promshm\Tests\Adapter;

use PHPUnit\Framework\Attributes\Group;
use Prometheus\Storage\Adapter;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Exception\MetricsRegistrationException;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
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

    public function testAGaugesModeIsGivenByItsName(): void
    {
        $this->adapter = new PromphpAdapter(gauges: ['app_gauge' => 'sum', 'app_other' => GaugeMode::Max]);
        $this->gauge(2);
        $this->gauge(3, Adapter::COMMAND_SET, ['name' => 'app_other']);
        $this->gauge(4, Adapter::COMMAND_SET, ['name' => 'app_third']);
        self::assertSame(['app_gauge mail 2', 'app_other mail 3', 'app_third mail 4'], $this->lines());
        $class = MetricsRegistrationException::class;
        self::assertThrows($class, fn () => new Gauge('app_gauge', '', ['queue']), 'mode Sum');
        self::assertThrows($class, fn () => new Gauge('app_other', '', ['queue']), 'mode Max');
        new Gauge('app_third', '', ['queue']);
        self::assertTrue($this->adapter->remove('app_gauge', ['mail']));
    }

    /** @group native */
    #[Group('native')]
    public function testTheShareOfAProcessThatEndedIsNotInTheSum(): void
    {
        $adapter = 'new Promshm\Storage\PromphpAdapter(gauges: ["app_gauge" => "sum"])';
        $update = ['name' => 'app_gauge', 'help' => '', 'type' => 'gauge', 'labelNames' => [], 'labelValues' => [],
            'value' => 5, 'command' => Adapter::COMMAND_SET];
        self::inAnotherProcess("($adapter)->updateGauge(" . var_export($update, true) . ');');
        $this->adapter = new PromphpAdapter(gauges: ['app_gauge' => 'sum']);
        $this->adapter->updateGauge(['value' => 2] + $update);
        self::assertSame(['app_gauge 2'], $this->lines());
    }

    /** @group native */
    #[Group('native')]
    public function testAnUpgradeLeavesOnePhpVersion(): void
    {
        $version = static fn (string $version): array => ['name' => 'php_info', 'help' => 'PHP.', 'type' => 'gauge',
            'labelNames' => ['version'], 'labelValues' => [$version], 'value' => 1, 'command' => Adapter::COMMAND_SET];
        $former = var_export($version('8.1.30'), true);
        self::inAnotherProcess("(new Promshm\\Storage\\PromphpAdapter())->updateGauge($former);");
        $this->adapter->updateGauge($version('8.4.1'));
        self::assertSame(['php_info 8.4.1 1'], $this->lines());
    }

    public function testAnUnknownModeOfAGaugeIsRefused(): void
    {
        $make = static fn (): PromphpAdapter => new PromphpAdapter(gauges: ['app_gauge' => 'total']);
        self::assertThrows(InvalidArgumentException::class, $make, 'app_gauge', 'total', 'last, sum, min, max, all');
    }

    public function testLabelsAreSpeltAsPromphpSpellsThem(): void
    {
        foreach ([true, false, 0.1 + 0.2, 1e20, 200.0, -7] as $value) {
            $this->counter(1, ['labelValues' => [$value]]);
        }
        $expected = array_map(static fn (string $text): string => "app_counter $text 1", ['', '-7', '0.3', '1', '1.0E+20', '200']);
        self::assertSame($expected, $this->lines());
        self::assertTrue($this->adapter->remove('app_counter', [0.1 + 0.2]));
    }

    public function testBoundsHaveTheDigitsThatPromphpGivesThem(): void
    {
        $buckets = Histogram::exponentialBuckets(0.01, 1.5, 8);
        $this->histogram(1, ['buckets' => $buckets, 'labelNames' => [], 'labelValues' => []]);
        $labels = array_merge(...array_column($this->collected()[0]['samples'], 'labelValues'));
        self::assertSame(['0.11390625', '0.170859375', '+Inf'], array_slice($labels, -3));
    }

    public function testNoNumberIsSpeltAsPromphpSpellsIt(): void
    {
        $this->gauge(NAN);
        self::assertSame(['app_gauge mail NAN'], $this->lines());
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
        self::assertSame(['-1', '1.0E-5', '0.1', '1', '1000000', '1.0E+25', '+Inf'], $labels);
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
