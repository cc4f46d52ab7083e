<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

enum Queue: string
{
    case Mail = 'e-mail';
}
