<?php

declare(strict_types=1);

namespace App\Metrics;

use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Support\ServiceProvider;
use Prometheus\Storage\Adapter;
use Promshm\Laravel\PromshmServiceProvider;
use Promshm\RegistryInterface;
use Promshm\Storage\PromphpAdapter;

/**
 * Metrics of queue jobs and scheduled tasks by the library's provider, a metric of the application's own, and shared memory for
 * code that uses PromPHP's registry.
 *
 * A controller answers /metrics with `Promshm\Segment::render()`, or the exporter does.
 */
final class AppServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->register(PromshmServiceProvider::class); // or in config/app.php
        $this->app->singleton(Adapter::class, static fn (): Adapter => new PromphpAdapter());
    }

    public function boot(Dispatcher $events, RegistryInterface $metrics): void
    {
        $orders = $metrics->getOrRegisterCounter('shop', 'orders_total', 'Orders placed.', ['channel']);
        $events->listen(OrderPlaced::class, static fn (OrderPlaced $order) => $orders->inc([$order->channel]));
    }
}
