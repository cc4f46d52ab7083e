<?php

declare(strict_types=1);

namespace Artprima\PrometheusMetricsBundle\StorageFactory;

use Prometheus\Storage\Adapter;

/**
 * What artprima/prometheus-metrics-bundle asks of a storage's factory.
 */
interface StorageFactoryInterface
{
    public function getName(): string;

    /** @param array<string, mixed> $options */
    public function create(array $options): Adapter;
}
