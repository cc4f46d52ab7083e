<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Gauge;
use Promshm\Histogram;
use Promshm\Summary;
use Promshm\Tests\MetricsTestCase;

final class RemovalTest extends MetricsTestCase
{
    public function testSeriesThatMatchSomeLabelsAreRemoved(): void
    {
        $gauge = new Gauge('g', '', ['device_id', 'sensor']);
        foreach ([[1, 'a'], [2, 'a'], [2, 'b'], [3, 'b']] as $labels) {
            $gauge->set(5, $labels);
        }
        self::assertSame(2, $gauge->removeMatching(['device_id' => 2]));
        self::assertSame(0, $gauge->removeMatching(['device_id' => 2]));
        self::assertSame(0, $gauge->removeMatching(['device_id' => 1, 'sensor' => 'b']));
        self::assertSame(1, $gauge->removeMatching(['sensor' => 'a', 'device_id' => '1']));
        self::assertSamples('g{device_id="3",sensor="b"} 5');
        $gauge->inc([2, 'a']);
        self::assertSamples('g{device_id="2",sensor="a"} 1', 'g{device_id="3",sensor="b"} 5');
    }

    public function testClearedMetricsStartAfresh(): void
    {
        $counter = new Counter('c_total', '', ['l']);
        $other = new Counter('other_total', '', ['l']);
        $histogram = new Histogram('h', '', ['l'], [1]);
        $summary = new Summary('s', '', ['l'], 60, [0.5]);
        $counter->incBy(2, ['x']);
        $counter->incBy(3, ['y']);
        $other->inc(['x']);
        $histogram->observe(1, ['x']);
        $summary->observe(1, ['x']);
        self::assertSame([2, 1, 1], [$counter->clear(), $histogram->clear(), $summary->clear()]);
        self::assertSame(0, $counter->clear());
        self::assertSamples('other_total{l="x"} 1');
        $counter->inc(['x']);
        self::assertSamples('c_total{l="x"} 1', 'other_total{l="x"} 1');
    }

    public function testMetricWithoutLabelsIsCleared(): void
    {
        $counter = new Counter('c_total');
        $counter->incBy(5);
        self::assertSame(1, $counter->clear());
        self::assertSamples();
        $counter->inc();
        self::assertSamples('c_total 1');
    }

    public function testValuesMatchAsTheyAreStored(): void
    {
        $counter = new Counter('c_total', '', ['l', 'other']);
        foreach ([true, 1.5, 7, '', str_repeat('ü', 1000), "a\nb", new class {
            public function __toString(): string
            {
                return 'text';
            }
        }] as $value) {
            $counter->inc([$value, 'x']);
            self::assertSame(1, $counter->removeMatching(['l' => $value]));
        }
        self::assertSamples();
    }

    public function testAnotherOrderOfLabelsMatchesToo(): void
    {
        (new Counter('c_total', '', ['a', 'b']))->inc(['1', '2']);
        (new Counter('c_total', '', ['a', 'b']))->inc(['2', '1']);
        self::assertSame(1, (new Counter('c_total', '', ['b', 'a']))->removeMatching(['a' => '1']));
        self::assertSamples('c_total{a="2",b="1"} 1');
    }

    public function testRegistryWithConstantLabelsRemovesItsOwn(): void
    {
        $registry = static fn (string $site): CollectorRegistry => new CollectorRegistry(null, false, ['site' => $site]);
        foreach (['north', 'south'] as $site) {
            $registry($site)->getOrRegisterCounter('', 'c_total', '', ['l'])->inc(['x']);
        }
        self::assertSame(1, $registry('north')->getOrRegisterCounter('', 'c_total', '', ['l'])->clear());
        self::assertSamples('c_total{l="x",site="south"} 1');
        $south = $registry('south')->getOrRegisterCounter('', 'c_total', '', ['l']);
        self::assertSame(1, $south->removeMatching(['l' => 'x']));
        self::assertSamples();
    }

    public function testLabelsThatNameNoSeriesAreRefused(): void
    {
        $counter = new Counter('c_total', '', ['l', 'm']);
        $plain = new Counter('plain_total');
        $refused = static fn (callable $call, string ...$mentions) =>
            self::assertThrows(InvalidArgumentException::class, $call, ...$mentions);
        $refused(static fn () => $counter->removeMatching([]), 'c_total', 'clear()');
        $refused(static fn () => $counter->removeMatching(['x' => 1]), 'c_total', 'x is not one of its labels (l, m)');
        $refused(static fn () => $counter->removeMatching(['l' => 1, 'x' => 1]), 'x is not one');
        $refused(static fn () => $counter->removeMatching(['a']), '0 is not one', 'by the name');
        $refused(static fn () => $counter->removeMatching(['l' => []]), 'label l');
        $refused(static fn () => $plain->removeMatching(['l' => 1]), 'plain_total has no labels', 'clear()');
        $bound = $counter->labels('x', 'y');
        $refused(static fn () => $bound->clear(), 'bound');
        $refused(static fn () => $bound->removeMatching(['l' => 'x']), 'bound');
        self::assertSamples('c_total{l="x",m="y"} 0', 'plain_total 0');
    }
}
