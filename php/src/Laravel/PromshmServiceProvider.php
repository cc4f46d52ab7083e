<?php

declare(strict_types=1);

namespace Promshm\Laravel;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Support\ServiceProvider;
use Promshm\CollectorRegistry;
use Promshm\RegistryInterface;

/**
 * Metrics of queue jobs, HTTP requests and scheduled tasks: see docs/frameworks.md.
 *
 * All of them are singletons that keep nothing of a request, so Octane's workers may hold them for ever.
 *
 * @api
 */
final class PromshmServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->mergeConfigFrom(__DIR__ . '/config.php', 'promshm');
        $this->app->singleton(CollectorRegistry::class, static fn (): CollectorRegistry
            => new CollectorRegistry(null, false));
        $this->app->alias(CollectorRegistry::class, RegistryInterface::class);
        $this->app->singleton(QueueMetrics::class, fn (): QueueMetrics => new QueueMetrics(
            $this->list('promshm.queue.tags'),
            $this->buckets('promshm.queue.buckets')
        ));
        $this->app->singleton(HttpMetrics::class, fn (): HttpMetrics
            => new HttpMetrics($this->buckets('promshm.http.buckets')));
        $this->app->singleton(ScheduleMetrics::class, fn (): ScheduleMetrics
            => new ScheduleMetrics($this->buckets('promshm.schedule.buckets')));
    }

    public function boot(Dispatcher $events): void
    {
        $config = $this->app->make('config');
        if ($config->get('promshm.queue.enabled')) {
            $this->app->make(QueueMetrics::class)->subscribe($events);
        }
        if ($config->get('promshm.schedule.enabled')) {
            $this->app->make(ScheduleMetrics::class)->subscribe($events);
        }
        if ($this->app->runningInConsole()) {
            $this->commands([WatchQueuesCommand::class]);
            $this->publishes([__DIR__ . '/config.php' => $this->app->basePath('config/promshm.php')], 'promshm-config');
        }
    }

    /**
     * @return list<string>
     */
    private function list(string $key): array
    {
        return array_values(array_filter((array) $this->config()->get($key), is_string(...)));
    }

    /**
     * @return list<int|float>|null
     */
    private function buckets(string $key): ?array
    {
        $buckets = $this->config()->get($key);
        return is_array($buckets) ? array_values($buckets) : null;
    }

    private function config(): Repository
    {
        return $this->app->make('config');
    }
}
