<?php

declare(strict_types=1);

namespace Promshm\Tests\Testing;

use PHPUnit\Framework\AssertionFailedError;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Promshm\Counter;
use Promshm\Gauge;
use Promshm\Histogram;
use Promshm\Testing\AssertsMetrics;
use Promshm\Tests\Metrics\Queue;

final class AssertsMetricsTest extends TestCase
{
    use AssertsMetrics;

    public function testASampleIsFoundByItsLabels(): void
    {
        $jobs = new Counter('jobs_total', '', ['queue', 'status']);
        $jobs->incBy(3, [Queue::Mail, 200]);
        (new Histogram('job_seconds', '', ['queue'], [1, 5]))->observe(2, ['mail']);
        (new Gauge('g'))->set(NAN);
        self::assertMetric('jobs_total', ['e-mail', '200'], 3);
        self::assertMetric('jobs_total', [Queue::Mail, 200], 3);
        self::assertMetric('jobs_total', ['status' => 200, 'queue' => Queue::Mail], 3.0);
        self::assertMetric('job_seconds_count', ['mail'], 1);
        self::assertMetric('job_seconds_sum', ['mail'], 2);
        self::assertMetric('job_seconds_bucket', ['queue' => 'mail', 'le' => '5.0'], 1);
        self::assertMetric('g', [], NAN);
        self::assertNoMetric('jobs_total', ['e-mail', '500']);
        self::assertNoMetric('jobs_total', ['queue' => 'e-mail']);
        self::assertNoMetric('jobs');
    }

    public function testAFailureShowsThePage(): void
    {
        (new Counter('jobs_total', '', ['queue']))->incBy(2, ['mail']);
        $failure = self::failure(fn () => self::assertMetric('jobs_total', ['mail'], 3, 'after the job'));
        self::assertStringContainsString('after the job', $failure);
        self::assertStringContainsString('jobs_total{"mail"} is 2, expected 3', $failure);
        self::assertStringContainsString("# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 2\n", $failure);
        $failure = self::failure(fn () => self::assertMetric('jobs_total', ['queue' => 'video'], 1));
        self::assertStringContainsString('jobs_total{queue="video"} is not there, expected 1', $failure);
        $failure = self::failure(fn () => self::assertNoMetric('jobs_total', ['mail']));
        self::assertStringContainsString('jobs_total{"mail"} is 2, expected none', $failure);
    }

    public function testAnIncreaseIsMeasuredAroundACall(): void
    {
        $jobs = new Counter('jobs_total', '', ['queue']);
        $jobs->incBy(5, ['mail']);
        $count = static function () use ($jobs): string {
            $jobs->incBy(2, ['mail']);
            return 'done';
        };
        self::assertSame('done', self::assertMetricIncreases('jobs_total', ['mail'], 2, $count));
        self::failure(fn () => self::assertMetricIncreases('jobs_total', ['mail'], 1, $count));
    }

    /**
     * @dataProvider twice
     */
    #[DataProvider('twice')]
    public function testEachTestBeginsWithoutMetrics(): void
    {
        self::assertNoMetric('left_total');
        (new Counter('left_total'))->inc();
        self::assertMetric('left_total', [], 1);
    }

    /**
     * @return array<mixed>
     */
    public static function twice(): array
    {
        return ['first' => [], 'second' => []];
    }

    private static function failure(callable $call): string
    {
        try {
            $call();
        } catch (AssertionFailedError $failure) {
            return $failure->getMessage();
        }
        self::fail('the assertion passed');
    }
}
