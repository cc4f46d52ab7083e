<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

final class Mail
{
    public function __construct(public readonly string $to)
    {
    }
}
