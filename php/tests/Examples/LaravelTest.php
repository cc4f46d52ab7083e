<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use App\Metrics\PromshmServiceProvider;
use Illuminate\Container\Container;
use Illuminate\Contracts\Events\Dispatcher as DispatcherContract;
use Illuminate\Events\Dispatcher;
use Illuminate\Queue\SyncQueue;
use Prometheus\Storage\Adapter;
use Promshm\Storage\PromphpAdapter;
use Promshm\Tests\MetricsTestCase;

require_once 'Illuminate/Queue/autoload.php';
require_once 'Illuminate/Events/autoload.php';
require_once 'Illuminate/Container/autoload.php';
require_once 'Illuminate/Support/autoload.php';

/**
 * Laravel's own queue, events and container.
 */
final class LaravelTest extends MetricsTestCase
{
    private Container $app;
    private SyncQueue $queue;

    protected function setUp(): void
    {
        parent::setUp();
        $this->app = new Container();
        $events = new Dispatcher($this->app);
        $this->app->instance('events', $events);
        $this->app->instance(DispatcherContract::class, $events);
        $provider = new PromshmServiceProvider($this->app);
        $provider->register();
        $this->app->call([$provider, 'boot']);
        $this->queue = new SyncQueue();
        $this->queue->setContainer($this->app);
        $this->app->instance(SyncQueue::class, $this->queue);
    }

    public function testJobsAreCountedAndTimed(): void
    {
        $this->send('a');
        $this->send('b');
        self::assertThrows(\RuntimeException::class, fn () => $this->send('nobody'));
        $labels = self::labels(SendMail::class);
        $samples = self::samples();
        self::assertStringContainsString("queue_jobs_total{{$labels},result=\"ok\"} 2\n", $samples);
        self::assertStringContainsString("queue_jobs_total{{$labels},result=\"exception\"} 1\n", $samples);
        self::assertStringContainsString("queue_jobs_given_up_total{{$labels}} 1\n", $samples);
        self::assertStringContainsString("queue_job_seconds_count{{$labels}} 3\n", $samples);
        self::assertStringContainsString("queue_jobs_in_flight{{$labels}} 0\n", $samples);
    }

    public function testJobsThatFailOrReleaseThemselvesAreNotCountedAsOk(): void
    {
        $this->send('blocked');
        $this->send('busy');
        $labels = self::labels(SendMail::class);
        $samples = self::samples();
        self::assertStringContainsString("queue_jobs_total{{$labels},result=\"failed\"} 1\n", $samples);
        self::assertStringContainsString("queue_jobs_total{{$labels},result=\"released\"} 1\n", $samples);
        self::assertStringNotContainsString('result="ok"', $samples);
        self::assertStringContainsString("queue_jobs_given_up_total{{$labels}} 1\n", $samples);
        self::assertStringContainsString("queue_job_seconds_count{{$labels}} 2\n", $samples);
        self::assertStringContainsString("queue_jobs_in_flight{{$labels}} 0\n", $samples);
    }

    public function testAJobThatRunsOthersKeepsItsOwnTime(): void
    {
        $this->queue->push(SendNewsletter::class . '@handle', ['to' => ['a', 'b']]);
        [$outer, $inner] = [self::labels(SendNewsletter::class), self::labels(SendMail::class)];
        $samples = self::samples();
        self::assertStringContainsString("queue_job_seconds_count{{$outer}} 1\n", $samples);
        self::assertStringContainsString("queue_job_seconds_count{{$inner}} 2\n", $samples);
        $seconds = static function (string $labels) use ($samples): float {
            preg_match('/^' . preg_quote("queue_job_seconds_sum{{$labels}}", '/') . ' (\S+)$/m', $samples, $found);
            return (float) $found[1];
        };
        self::assertGreaterThan($seconds($inner), $seconds($outer));
        self::assertStringContainsString("queue_jobs_in_flight{{$outer}} 0\n", $samples);
        self::assertStringContainsString("queue_jobs_in_flight{{$inner}} 0\n", $samples);
    }

    public function testTheProviderBindsPromphpsStorage(): void
    {
        self::assertInstanceOf(PromphpAdapter::class, $this->app->make(Adapter::class));
        self::assertSame($this->app->make(Adapter::class), $this->app->make(Adapter::class));
    }

    private function send(string $address): void
    {
        $this->queue->push(SendMail::class . '@handle', ['to' => $address]);
    }

    private static function labels(string $job): string
    {
        return 'job="' . str_replace('\\', '\\\\', $job) . '",queue="sync"';
    }
}
