<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use PHPUnit\Framework\Attributes\DataProvider;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Tests\MetricsTestCase;

final class GaugeTest extends MetricsTestCase
{
    public function testItGoesUpAndDown(): void
    {
        $gauge = new Gauge('g');
        $gauge->set(5);
        $gauge->inc();
        $gauge->incBy(2.5);
        $gauge->dec();
        $gauge->decBy(10);
        self::assertSamples('g -2.5');
    }

    /**
     * @dataProvider modes
     */
    #[DataProvider('modes')]
    public function testEveryModeIsTheValueItselfInOneProcess(GaugeMode $mode): void
    {
        $gauge = new Gauge('g', '', ['a'], $mode);
        $gauge->set(3, ['x']);
        $gauge->dec(['x']);
        self::assertSamples('g{a="x"} 2');
    }

    /**
     * @return array<mixed>
     */
    public static function modes(): array
    {
        return [[GaugeMode::Last], [GaugeMode::Sum], [GaugeMode::Min], [GaugeMode::Max]];
    }

    public function testModeAllNamesTheProcess(): void
    {
        (new Gauge('g', '', ['a'], GaugeMode::All))->set(3, ['x']);
        self::assertSamples('g{a="x",pid="' . getmypid() . '"} 3');
        $construct = fn () => new Gauge('h', '', ['pid'], GaugeMode::All);
        self::assertThrows(InvalidArgumentException::class, $construct, 'pid');
    }

    public function testSetToCurrentTime(): void
    {
        $before = microtime(true);
        (new Gauge('g'))->setToCurrentTime();
        self::assertMatchesRegularExpression('/^g (\d+\.?\d*)\n$/D', self::samples());
        $value = (float) substr(self::samples(), 2);
        self::assertGreaterThanOrEqual($before - 0.001, $value);
        self::assertLessThanOrEqual(microtime(true) + 0.001, $value);
    }

    public function testNumbersAreWrittenInFull(): void
    {
        $gauge = new Gauge('g', '', ['v']);
        $values = [1.0, 0.5, 1e6, INF, -INF, NAN, 9007199254740992.0, 0.1 + 0.2, -0.0, 1e20, 1e21, 5e-324, 1 / 3];
        foreach ($values as $index => $value) {
            $gauge->set($value, [chr(97 + $index)]);
        }
        self::assertSamples(
            'g{v="a"} 1',
            'g{v="b"} 0.5',
            'g{v="c"} 1000000',
            'g{v="d"} +Inf',
            'g{v="e"} -Inf',
            'g{v="f"} NaN',
            'g{v="g"} 9007199254740992',
            'g{v="h"} 0.30000000000000004',
            'g{v="i"} -0',
            'g{v="j"} 100000000000000000000',
            'g{v="k"} 1e+21',
            'g{v="l"} 5e-324',
            'g{v="m"} 0.3333333333333333'
        );
    }

    public function testTrackInProgress(): void
    {
        $gauge = new Gauge('g', '', ['a']);
        $result = $gauge->trackInProgress(function () {
            self::assertSamples('g{a="x"} 1');
            return 'result';
        }, ['x']);
        self::assertSame('result', $result);
        $failing = fn () => throw new \LogicException('mine');
        self::assertThrows(\LogicException::class, fn () => $gauge->trackInProgress($failing, ['x']), 'mine');
        self::assertSamples('g{a="x"} 0');
    }

    public function testRemove(): void
    {
        $gauge = new Gauge('g');
        $gauge->set(5);
        self::assertTrue($gauge->remove());
        self::assertSamples();
        $gauge->inc();
        self::assertSamples('g 1');
        self::assertSame('gauge', $gauge->getType());
    }
}
