<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\CounterInterface;
use Promshm\Gauge;
use Promshm\GaugeInterface;
use Promshm\Histogram;
use Promshm\HistogramInterface;
use Promshm\RegistryInterface;
use Promshm\Summary;
use Promshm\SummaryInterface;
use Promshm\Tests\MetricsTestCase;
use Promshm\Timer;
use Promshm\TimerInterface;

/**
 * Doubles of each class, which PHPUnit can make of interfaces only: the classes are final.
 */
final class DoubleTest extends MetricsTestCase
{
    public function testADoubleOfTheRegistryReturnsADoubleOfACounter(): void
    {
        $bound = $this->createMock(CounterInterface::class);
        $bound->expects(self::once())->method('incBy')->with(2.5, []);
        $counter = $this->createMock(CounterInterface::class);
        $counter->expects(self::once())->method('inc')->with(['mail']);
        $counter->method('labels')->with('mail')->willReturn($bound);
        $registry = $this->createMock(RegistryInterface::class);
        $registry->expects(self::once())->method('getOrRegisterCounter')->willReturn($counter);
        $jobs = $registry->getOrRegisterCounter('app', 'jobs_total', '', ['queue']);
        $jobs->inc(['mail']);
        $jobs->labels('mail')->incBy(2.5);
        self::assertSamples();
    }

    public function testEachClassIsWhatItsInterfaceSays(): void
    {
        $classes = [
            CounterInterface::class => Counter::class,
            GaugeInterface::class => Gauge::class,
            HistogramInterface::class => Histogram::class,
            SummaryInterface::class => Summary::class,
            TimerInterface::class => Timer::class,
            RegistryInterface::class => CollectorRegistry::class,
        ];
        foreach ($classes as $interface => $class) {
            self::assertTrue(is_subclass_of($class, $interface), $class);
            self::assertInstanceOf($interface, $this->createMock($interface));
        }
    }

    public function testADoubleOfAHistogramReturnsADoubleOfATimer(): void
    {
        $timer = $this->createStub(TimerInterface::class);
        $timer->method('observeDuration')->willReturn(1.5);
        $histogram = $this->createStub(HistogramInterface::class);
        $histogram->method('startTimer')->willReturn($timer);
        self::assertSame(1.5, $histogram->startTimer()->observeDuration());
    }

    public function testARealMetricGoesWhereAnInterfaceIsAskedFor(): void
    {
        $registry = $this->createStub(RegistryInterface::class);
        $registry->method('getOrRegisterGauge')->willReturn(new Gauge('g'));
        $registry->getOrRegisterGauge('', 'g', '')->set(3);
        self::assertSamples('g 3');
    }
}
