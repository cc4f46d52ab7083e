<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use PHPUnit\Framework\Attributes\DataProvider;
use Promshm\Counter;
use Promshm\Exception\ExceptionInterface;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Exception\MetricNotFoundException;
use Promshm\Exception\MetricsRegistrationException;
use Promshm\Exception\StorageException;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Promshm\Segment;
use Promshm\Summary;
use Promshm\Tests\MetricsTestCase;

final class DefinitionTest extends MetricsTestCase
{
    /**
     * @dataProvider namesThatAreNotAllowed
     */
    #[DataProvider('namesThatAreNotAllowed')]
    public function testNamesThatAreNotAllowed(string $name): void
    {
        foreach ([Counter::class, Gauge::class, Histogram::class] as $class) {
            self::assertThrows(InvalidArgumentException::class, fn () => new $class($name));
        }
    }

    /**
     * @return array<mixed>
     */
    public static function namesThatAreNotAllowed(): array
    {
        $names = ['', '1abc', 'with-dash', 'with space', "break\n", 'é', "nul\0", "\xff", str_repeat('a', 5000)];
        return array_map(static fn (string $name): array => [$name], $names);
    }

    /**
     * @dataProvider labelNamesThatAreNotAllowed
     * @param array<mixed> $labels
     */
    #[DataProvider('labelNamesThatAreNotAllowed')]
    public function testLabelNamesThatAreNotAllowed(array $labels, string $mention = ''): void
    {
        foreach ([Counter::class, Gauge::class, Histogram::class] as $class) {
            self::assertThrows(InvalidArgumentException::class, fn () => new $class('m', '', $labels), $mention);
        }
    }

    /**
     * @return array<mixed>
     */
    public static function labelNamesThatAreNotAllowed(): array
    {
        return [
            [['']], [['1a'], '1a'], [['a:b'], 'a:b'], [['a-b'], 'a-b'], [["a\n"]], [['é']],
            [['__reserved'], '__reserved'],
            [['twice', 'other', 'twice'], 'twice'], [[1]], [[null]],
            [array_map(static fn (int $n): string => "l$n", range(1, 1000))],
        ];
    }

    public function testANameOfALabelIsReservedWhereTheTypeHasItItself(): void
    {
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => new Histogram('h', '', ['le']), 'le', 'histogram');
        self::assertThrows($class, fn () => new Summary('s', '', ['quantile']), 'quantile', 'summary');
        (new Counter('c_total', '', ['le', 'quantile']))->inc([1, 2]);
        (new Gauge('g', '', ['le']))->set(1, [1]);
        (new Histogram('h', '', ['quantile'], [1]))->observe(1, ['x']);
        (new Summary('s', '', ['le'], 60, [0.5]))->observe(1, ['x']);
        self::assertSamples(
            'c_total{le="1",quantile="2"} 1',
            'g{le="1"} 1',
            'h_bucket{quantile="x",le="1.0"} 1',
            'h_bucket{quantile="x",le="+Inf"} 1',
            'h_sum{quantile="x"} 1',
            'h_count{quantile="x"} 1',
            's{le="x",quantile="0.5"} 1',
            's_sum{le="x"} 1',
            's_count{le="x"} 1'
        );
    }

    public function testOneNameHasOneDefinition(): void
    {
        $class = MetricsRegistrationException::class;
        $counter = new Counter('m', '', ['a', 'b']);
        foreach ([[], ['a'], ['a', 'b', 'c']] as $labels) {
            self::assertThrows($class, fn () => new Counter('m', '', $labels), 'm', 'a, b');
        }
        self::assertThrows($class, fn () => new Gauge('m', '', ['a', 'b']), 'counter', 'gauge');
        self::assertThrows($class, fn () => new Histogram('m', '', ['a', 'b']), 'm');
        new Gauge('g');
        self::assertThrows($class, fn () => new Gauge('g', '', [], GaugeMode::Sum), 'g');
        new Histogram('h', '', [], [1, 2]);
        self::assertThrows($class, fn () => new Histogram('h', '', [], [1, 3]), 'h');
        $counter->inc(['x', 'y']);
        self::assertStringEndsWith("\nm{a=\"x\",b=\"y\"} 1\n", self::samples());
    }

    public function testExceptionsHaveTheirParents(): void
    {
        $parents = [
            InvalidArgumentException::class => \InvalidArgumentException::class,
            MetricsRegistrationException::class => \Exception::class,
            MetricNotFoundException::class => \RuntimeException::class,
            StorageException::class => \Exception::class,
        ];
        foreach ($parents as $class => $parent) {
            self::assertSame($parent, get_parent_class($class));
            self::assertTrue(is_subclass_of($class, ExceptionInterface::class));
        }
    }

    public function testAWipeSetsNamesFree(): void
    {
        $old = new Counter('m', '', ['a']);
        $old->inc(['x']);
        Segment::wipe();
        (new Gauge('m', '', ['b']))->set(3, ['y']);
        self::assertSamples('m{b="y"} 3');
    }
}
