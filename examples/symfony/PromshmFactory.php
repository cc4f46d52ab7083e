<?php

declare(strict_types=1);

namespace App\Metrics;

use Artprima\PrometheusMetricsBundle\StorageFactory\StorageFactoryInterface;
use Prometheus\Storage\Adapter;
use Promshm\Storage\PromphpAdapter;

/**
 * Makes the storage `promshm` of artprima/prometheus-metrics-bundle.
 *
 *     # config/services.yaml
 *     App\Metrics\PromshmFactory:
 *         tags: [prometheus_metrics_bundle.adapter_factory]
 *     # config/packages/prometheus_metrics.yaml
 *     artprima_prometheus_metrics:
 *         storage: promshm
 */
final class PromshmFactory implements StorageFactoryInterface
{
    public function getName(): string
    {
        return 'promshm';
    }

    /**
     * @param array<string, mixed> $options are not needed: the segment is named in php.ini
     */
    public function create(array $options): Adapter
    {
        return new PromphpAdapter();
    }
}
