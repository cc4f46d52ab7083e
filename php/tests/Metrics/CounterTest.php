<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use PHPUnit\Framework\Attributes\DataProvider;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Segment;
use Promshm\CollectorRegistry;
use Promshm\Gauge;
use Promshm\Histogram;
use Promshm\Summary;
use Promshm\Tests\MetricsTestCase;

final class CounterTest extends MetricsTestCase
{
    public function testItAddsUp(): void
    {
        $counter = new Counter('c_total', 'Help.');
        $counter->inc();
        $counter->incBy(2);
        $counter->incBy(0.5);
        $counter->incBy(0);
        self::assertSamples('c_total 3.5');
    }

    public function testEveryFormOfLabelsReachesOneSeries(): void
    {
        $counter = new Counter('c_total', '', ['method', 'code']);
        $counter->inc(['GET', '200']);
        $counter->inc(['method' => 'GET', 'code' => 200]);
        $counter->inc(['code' => '200', 'method' => 'GET']);
        $counter->labels('GET', 200)->inc();
        $counter->labels(code: '200', method: 'GET')->inc();
        self::assertSamples('c_total{method="GET",code="200"} 5');
    }

    /**
     * @dataProvider amountsThatGoDown
     */
    #[DataProvider('amountsThatGoDown')]
    public function testItRefusesToGoDown(int|float $amount): void
    {
        $counter = new Counter('c_total');
        $bound = (new Counter('bound_total', '', ['a']))->labels('x');
        $counter->incBy(2);
        $bound->incBy(2);
        self::assertThrows(InvalidArgumentException::class, fn () => $counter->incBy($amount), 'c_total', 'Gauge');
        self::assertThrows(InvalidArgumentException::class, fn () => $bound->incBy($amount), 'bound_total');
        self::assertSamples('bound_total{a="x"} 2', 'c_total 2');
    }

    /**
     * @return array<mixed>
     */
    public static function amountsThatGoDown(): array
    {
        return [[-1], [-0.5], [NAN], [-INF], [PHP_INT_MIN]];
    }

    public function testRemoveTakesOneSeriesAway(): void
    {
        $counter = new Counter('c_total', '', ['a']);
        $counter->incBy(5, ['x']);
        $counter->inc(['y']);
        self::assertTrue($counter->remove(['x']));
        self::assertFalse($counter->remove(['x']));
        self::assertFalse($counter->remove(['z']));
        self::assertTrue($counter->labels('z')->remove());
        self::assertSamples('c_total{a="y"} 1');
        $counter->inc(['x']);
        self::assertSamples('c_total{a="x"} 1', 'c_total{a="y"} 1');
    }

    public function testABoundHandleOutlivesItsParentAndAWipe(): void
    {
        $counter = new Counter('c_total', '', ['a']);
        $bound = $counter->labels('x');
        unset($counter);
        $bound->incBy(5);
        Segment::wipe();
        self::assertSamples();
        $bound->inc();
        self::assertSamples('c_total{a="x"} 1');
    }

    public function testConstructingAMetricWithLabelsStoresNothing(): void
    {
        new Counter('c_total', '', ['a']);
        (new Gauge('g', '', ['a']))->labels('x');
        new Gauge('h');
        self::assertSame('', Segment::render());
    }

    public function testASeriesIsThereBeforeItsFirstEvent(): void
    {
        new Counter('c_total');
        new Histogram('h', '', [], [1]);
        new Summary('s', '', [], 60, [0.5]);
        (new Counter('l_total', '', ['queue']))->labels('mail');
        $registry = new CollectorRegistry(null, false, ['app' => 'shop']);
        $registry->getOrRegisterCounter('', 'r_total', '');
        $registry->getOrRegisterGauge('', 'g', '');
        self::assertSamples(
            'c_total 0',
            'h_bucket{le="1.0"} 0',
            'h_bucket{le="+Inf"} 0',
            'h_sum 0',
            'h_count 0',
            'l_total{queue="mail"} 0',
            'r_total{app="shop"} 0',
            's{quantile="0.5"} NaN',
            's_sum 0',
            's_count 0'
        );
    }

    public function testInitPublishesKnownValuesAndKeepsWhatIsThere(): void
    {
        $counter = new Counter('c_total', '', ['queue', 'state']);
        $counter->incBy(3, [Queue::Mail, State::Done]);
        foreach (Queue::cases() as $queue) {
            $counter->init([$queue, State::Done]);
        }
        $counter->init(['state' => 'failed', 'queue' => Queue::Mail]);
        (new Histogram('h', '', ['queue'], [1]))->init(['x']);
        (new Summary('s', '', ['queue'], 60, [0.5]))->init(['x']);
        self::assertSamples(
            'c_total{queue="e-mail",state="Done"} 3',
            'c_total{queue="e-mail",state="failed"} 0',
            'h_bucket{queue="x",le="1.0"} 0',
            'h_bucket{queue="x",le="+Inf"} 0',
            'h_sum{queue="x"} 0',
            'h_count{queue="x"} 0',
            's{queue="x",quantile="0.5"} NaN',
            's_sum{queue="x"} 0',
            's_count{queue="x"} 0'
        );
        self::assertThrows(InvalidArgumentException::class, fn () => $counter->init(['mail']), 'c_total', 'queue, state');
    }

    public function testAWipeTakesTheZerosTooUntilTheMetricIsNamedAgain(): void
    {
        $counter = new Counter('c_total', '', ['a']);
        $bound = $counter->labels('x');
        Segment::wipe();
        self::assertSamples();
        $counter->labels('x');
        self::assertSamples('c_total{a="x"} 0');
        $bound->inc();
        self::assertSamples('c_total{a="x"} 1');
    }

    public function testTwoHandlesOnOneName(): void
    {
        (new Counter('helped_total', 'The first help stays.', ['a']))->inc(['x']);
        (new Counter('helped_total', 'Another help.', ['a']))->inc(['x']);
        self::assertSamples('helped_total{a="x"} 2');
        self::assertStringContainsString('The first help stays.', Segment::render());
    }

    public function testItTellsWhatItIs(): void
    {
        $counter = new Counter('c_total', 'Help é', [3 => 'a', 'k' => 'b']);
        foreach ([$counter, $counter->labels('x', 'y')] as $handle) {
            self::assertInstanceOf(Counter::class, $handle);
            self::assertSame('c_total', $handle->getName());
            self::assertSame('Help é', $handle->getHelp());
            self::assertSame(['a', 'b'], $handle->getLabelNames());
            self::assertSame('counter', $handle->getType());
        }
    }

    public function testInfinity(): void
    {
        (new Counter('c_total'))->incBy(INF);
        self::assertSamples('c_total +Inf');
    }

    public function testItCannotBeCopied(): void
    {
        $counter = new Counter('c_total');
        self::assertThrows(\Error::class, fn () => clone $counter, 'uncloneable', Counter::class);
        self::assertThrows(\Exception::class, fn () => serialize($counter), 'not allowed');
    }
}
