<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

final class Job
{
    public function __construct(public readonly string $to)
    {
    }
}
