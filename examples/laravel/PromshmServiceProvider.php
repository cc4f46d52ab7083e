<?php

declare(strict_types=1);

namespace App\Metrics;

use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Support\ServiceProvider;
use Prometheus\Storage\Adapter;
use Promshm\Storage\PromphpAdapter;

/**
 * Stores PromPHP's metrics in shared memory, and counts what the queue workers do.
 *
 * A controller answers /metrics with `Promshm\Segment::render()`, or the exporter does.
 */
final class PromshmServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->singleton(Adapter::class, fn (): Adapter => new PromphpAdapter());
        $this->app->singleton(QueueMetrics::class);
    }

    public function boot(Dispatcher $events): void
    {
        $events->subscribe($this->app->make(QueueMetrics::class));
    }
}
