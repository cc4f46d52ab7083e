<?php

declare(strict_types=1);

namespace App\Metrics;

final class Mail
{
    public function __construct(public readonly string $to, public readonly string $template)
    {
    }
}
