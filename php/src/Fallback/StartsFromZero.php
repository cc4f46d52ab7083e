<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * For metrics whose series are there, with zeros, before anything happened.
 *
 * @internal
 */
trait StartsFromZero
{
    /**
     * Publishes a series with zeros before its first event.
     *
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function init(array $labels = []): void
    {
        $this->at($labels);
    }
}
