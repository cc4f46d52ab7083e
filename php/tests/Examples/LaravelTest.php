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
    }

    public function testJobsAreCountedAndTimed(): void
    {
        $job = SendMail::class;
        $this->queue->push("$job@handle", ['to' => 'a']);
        $this->queue->push("$job@handle", ['to' => 'b']);
        self::assertThrows(\RuntimeException::class, fn () => $this->queue->push("$job@handle", ['to' => 'nobody']));
        $labels = 'job="' . str_replace('\\', '\\\\', $job) . '",queue="sync"';
        $samples = self::samples();
        self::assertStringContainsString("queue_jobs_total{{$labels},result=\"ok\"} 2\n", $samples);
        self::assertStringContainsString("queue_jobs_total{{$labels},result=\"exception\"} 1\n", $samples);
        self::assertStringContainsString("queue_jobs_total{{$labels},result=\"given up\"} 1\n", $samples);
        self::assertStringContainsString("queue_job_seconds_count{{$labels}} 3\n", $samples);
        self::assertStringContainsString("queue_jobs_in_flight{{$labels}} 0\n", $samples);
    }

    public function testTheProviderBindsPromphpsStorage(): void
    {
        self::assertInstanceOf(PromphpAdapter::class, $this->app->make(Adapter::class));
        self::assertSame($this->app->make(Adapter::class), $this->app->make(Adapter::class));
    }
}
