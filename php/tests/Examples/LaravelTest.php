<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use App\Metrics\AppServiceProvider;
use App\Metrics\OrderPlaced;
use Illuminate\Config\Repository;
use Illuminate\Events\EventServiceProvider;
use Illuminate\Foundation\Application;
use Illuminate\Queue\QueueServiceProvider;
use Illuminate\Queue\SyncQueue;
use Illuminate\Support\Facades\Facade;
use Prometheus\Storage\Adapter;
use Promshm\Storage\PromphpAdapter;
use Promshm\Tests\MetricsTestCase;

require_once 'Illuminate/autoload.php';

/**
 * The example's provider in an application of Laravel's.
 *
 * Laravel 8 is older than PHP 8.2 and uses what that deprecates.
 */
final class LaravelTest extends MetricsTestCase
{
    private Application $app;
    private SyncQueue $queue;
    private int $errors;

    protected function setUp(): void
    {
        parent::setUp();
        $this->errors = error_reporting(E_ALL & ~E_DEPRECATED);
        $this->app = new Application(sys_get_temp_dir());
        Facade::setFacadeApplication($this->app); // Laravel's own kernels do that
        $this->app->instance('config', new Repository([
            'app' => ['env' => 'testing'],
            'queue' => ['default' => 'sync', 'connections' => ['sync' => ['driver' => 'sync']], 'failed' => ['driver' => 'null']],
        ]));
        foreach ([EventServiceProvider::class, QueueServiceProvider::class, AppServiceProvider::class] as $provider) {
            $this->app->register($provider);
        }
        $this->app->boot();
        $this->queue = $this->app->make('queue')->connection('sync');
        $this->app->instance(SyncQueue::class, $this->queue);
    }

    protected function tearDown(): void
    {
        $this->app->flush();
        Facade::clearResolvedInstances();
        Facade::setFacadeApplication(null);
        error_reporting($this->errors);
    }

    public function testTheApplicationCountsItsOwnEvents(): void
    {
        foreach (['web', 'app', 'web'] as $channel) {
            $this->app->make('events')->dispatch(new OrderPlaced($channel));
        }
        self::assertStringContainsString("shop_orders_total{channel=\"app\"} 1\nshop_orders_total{channel=\"web\"} 2\n", self::samples());
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
