<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * The classes that the extension has, and this namespace too.
 *
 * @internal
 */
final class Names
{
    public const ALL = [
        'CounterInterface',
        'GaugeInterface',
        'HistogramInterface',
        'NativeHistogramInterface',
        'SummaryInterface',
        'TimerInterface',
        'Counter',
        'Gauge',
        'GaugeMode',
        'Histogram',
        'NativeHistogram',
        'Observe',
        'Segment',
        'Summary',
        'Timer',
        'RegistryInterface',
        'CollectorRegistry',
        'MetricFamilySamples',
        'RendererInterface',
        'RenderTextFormat',
        'Sample',
        'Exception\ExceptionInterface',
        'Exception\InvalidArgumentException',
        'Exception\MetricNotFoundException',
        'Exception\MetricsRegistrationException',
        'Exception\StorageException',
    ];
}
