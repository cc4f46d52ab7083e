<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What Timer offers, for constructors that name an interface and tests that put a double in its place.
 */
interface TimerInterface
{
    public function observeDuration(): float;
}
