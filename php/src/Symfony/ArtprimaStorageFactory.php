<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Artprima\PrometheusMetricsBundle\StorageFactory\StorageFactoryInterface;
use Prometheus\Storage\Adapter;
use Promshm\Storage\PromphpAdapter;

/**
 * Makes the storage `promshm` of artprima/prometheus-metrics-bundle.
 *
 * @api
 */
final class ArtprimaStorageFactory implements StorageFactoryInterface
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
