<?php

declare(strict_types=1);

namespace App\Metrics;

final class OrderPlaced
{
    public function __construct(public readonly string $channel)
    {
    }
}
