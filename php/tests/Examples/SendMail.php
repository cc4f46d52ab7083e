<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use Illuminate\Contracts\Queue\Job;

final class SendMail
{
    /**
     * @param array{to: string} $data
     */
    public function handle(Job $job, array $data): void
    {
        match ($data['to']) {
            'nobody' => throw new \RuntimeException('no such mailbox'),
            'blocked' => $job->fail(new \RuntimeException('not wanted there')),
            'busy' => $job->release(10),
            default => $job->delete(),
        };
    }
}
