<?php

declare(strict_types=1);

// What is measured, and the buckets of the histograms; null for the default ones.

return [
    'queue' => [
        'enabled' => true,
        'buckets' => null,
        // Tags of Horizon that are counted. Name them: most tags hold the id of a model, and each id would be a series.
        'tags' => [],
    ],
    'schedule' => ['enabled' => true, 'buckets' => null],
    // For the middleware Promshm\Laravel\HttpMetrics, which the application adds to its kernel.
    'http' => ['buckets' => null],
];
