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
        if ($data['to'] === 'nobody') {
            throw new \RuntimeException('no such mailbox');
        }
        $job->delete();
    }
}
