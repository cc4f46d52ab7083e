<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * An attribute that the extension reads while it compiles a function. Without the extension it says nothing.
 */
#[\Attribute(\Attribute::TARGET_FUNCTION | \Attribute::TARGET_METHOD)]
final class Observe
{
    /**
     * @param array<string, string> $labels
     * @param list<float|int> $buckets
     */
    public function __construct(?string $name = null, array $labels = [], array $buckets = [])
    {
    }
}
