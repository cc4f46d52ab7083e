<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

enum Level: int
{
    case High = 3;
}
