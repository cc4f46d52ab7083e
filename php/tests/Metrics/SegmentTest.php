<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use Promshm\Counter;
use Promshm\Gauge;
use Promshm\Histogram;
use Promshm\Segment;
use Promshm\Tests\MetricsTestCase;

final class SegmentTest extends MetricsTestCase
{
    public function testThePage(): void
    {
        (new Gauge('z_last', 'Shown last'))->set(1);
        $counter = new Counter('a_total', "Line\nbreak and back\\slash, \"quotes\" stay", ['path', 'code']);
        $counter->inc(['/b', '200']);
        $counter->inc(['/a', '404']);
        $counter->inc(['/a', '200']);
        $counter->inc(['/a/b', '1']);
        (new Histogram('m_seconds', '', ['q'], [0.25, 1, 10]))->observe(0.5, ['x']);
        self::assertSame(<<<'PAGE'
            # HELP a_total Line\nbreak and back\\slash, "quotes" stay
            # TYPE a_total counter
            a_total{path="/a",code="200"} 1
            a_total{path="/a",code="404"} 1
            a_total{path="/a/b",code="1"} 1
            a_total{path="/b",code="200"} 1
            # TYPE m_seconds histogram
            m_seconds_bucket{q="x",le="0.25"} 0
            m_seconds_bucket{q="x",le="1.0"} 1
            m_seconds_bucket{q="x",le="10.0"} 1
            m_seconds_bucket{q="x",le="+Inf"} 1
            m_seconds_sum{q="x"} 0.5
            m_seconds_count{q="x"} 1
            # HELP z_last Shown last
            # TYPE z_last gauge
            z_last 1

            PAGE, Segment::render());
    }

    public function testWipeTakesEverythingAndHandlesGoOn(): void
    {
        $counter = new Counter('c_total', '', ['a']);
        $gauge = new Gauge('g');
        $gauge->set(5);
        $counter->inc(['x']);
        Segment::wipe();
        self::assertSame('', Segment::render());
        $counter->inc(['x']);
        $gauge->inc();
        self::assertSamples('c_total{a="x"} 1', 'g 1');
    }

    public function testStatus(): void
    {
        (new Counter('c_total', '', ['a']))->inc(['x']);
        $status = Segment::status();
        self::assertSame(array_keys(\Promshm\Fallback\Segment::status()), array_keys($status));
        self::assertTrue($status['enabled']);
        self::assertNull($status['error']);
        self::assertSame(1, $status['series']);
        self::assertSame(10000, $status['max_series']);
        self::assertSame(array_keys(\Promshm\Fallback\Segment::status()['dropped']), array_keys($status['dropped']));
        self::assertSame($status['dropped'], array_filter($status['dropped'], is_int(...)));
        self::assertSame(['clean', 'fatal', 'abrupt'], array_keys($status['worker_exits']));
    }

    public function testTheStatusNamesTheMetricsThatTakeTheRoom(): void
    {
        $large = new Counter('large_total', '', ['n']);
        foreach (range(1, 5) as $n) {
            $large->inc([$n]);
        }
        (new Gauge('b_small'))->set(1);
        (new Gauge('a_small'))->set(1);
        $large->remove([5]);
        self::assertSame(['large_total' => 4, 'a_small' => 1, 'b_small' => 1], Segment::status()['families']);
        Segment::wipe();
        self::assertSame([], Segment::status()['families']);
    }

    public function testTooManySeriesAreDroppedAndCounted(): void
    {
        // More metrics than one, because a single one may not have all series.
        $counters = array_map(static fn (int $m): Counter => new Counter("c{$m}_total", '', ['n']), range(0, 10));
        for ($n = 0; $n < 10005; $n++) {
            $counters[intdiv($n, 1000)]->inc([$n]);
        }
        $counters[0]->inc([0]);
        $status = Segment::status();
        self::assertSame(10000, $status['series']);
        self::assertSame(5, $status['dropped']['series_limit']);
        self::assertStringContainsString("c0_total{n=\"0\"} 2\n", self::samples());
    }
}
