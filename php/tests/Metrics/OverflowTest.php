<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\Histogram;
use Promshm\Segment;
use Promshm\Tests\MetricsTestCase;

/** A metric that has as many series as one may have. */
final class OverflowTest extends MetricsTestCase
{
    /** The default: a tenth of all series. */
    private const LIMIT = 1000;

    public function testFurtherLabelValuesCountTogetherAndNothingIsLost(): void
    {
        $hits = new Counter('hits_total', '', ['path', 'code']);
        for ($i = 0; $i < self::LIMIT + 20; $i++) {
            $hits->inc(["/$i", '200']);
        }
        $hits->inc(['/3', '200']);
        $lines = explode("\n", trim(self::samples()));
        self::assertCount(self::LIMIT + 1, $lines);
        self::assertContains('hits_total{path="other",code="other"} 20', $lines);
        self::assertContains('hits_total{path="/3",code="200"} 2', $lines, 'known series go on');
        self::assertSame(['hits_total' => 20], Segment::status()['overflows']);
    }

    public function testOtherMetricsKeepTheirRoom(): void
    {
        self::fill(new Counter('hits_total', '', ['path']));
        $seconds = new Histogram('seconds', '', ['path'], [1]);
        $seconds->labels('/new')->observe(0.5);
        $page = self::samples();
        self::assertStringContainsString('seconds_count{path="/new"} 1', $page);
        self::assertStringNotContainsString('other', $page);
        self::assertSame([], Segment::status()['overflows']);
    }

    public function testHandleCountsIntoTheCommonSeries(): void
    {
        $hits = new Counter('hits_total', '', ['path']);
        self::fill($hits);
        $handle = $hits->labels('/new');
        self::assertStringContainsString('hits_total{path="other"} 0', self::samples());
        $handle->inc();
        $handle->incBy(2);
        self::assertStringContainsString('hits_total{path="other"} 3', self::samples());
    }

    public function testRemovalMakesRoom(): void
    {
        $hits = new Counter('hits_total', '', ['path']);
        self::fill($hits);
        self::assertTrue($hits->remove(['/5']));
        $hits->inc(['/new']);
        self::assertFalse($hits->remove(['/never']));
        self::assertStringContainsString('hits_total{path="/new"} 1', self::samples());
        self::assertStringNotContainsString('other', self::samples());
    }

    public function testConstantLabelsKeepTheirValues(): void
    {
        $registry = new CollectorRegistry(constantLabels: ['app' => 'shop']);
        $hits = $registry->registerCounter('', 'hits_total', '', ['path']);
        self::fill($hits);
        $hits->inc(['/new']);
        self::assertStringContainsString('hits_total{path="other",app="shop"} 1', self::samples());
    }

    private static function fill(Counter $hits): void
    {
        for ($i = 0; $i < self::LIMIT; $i++) {
            $hits->inc(["/$i"]);
        }
    }
}
