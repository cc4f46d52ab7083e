<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

enum State
{
    case Done;
}
