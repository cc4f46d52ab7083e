<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

final class JobHandler
{
    public function __invoke(Job $job): void
    {
        if ($job->to === 'nobody') {
            throw new \RuntimeException('no such mailbox');
        }
    }
}
