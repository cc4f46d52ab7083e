<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use Illuminate\Contracts\Queue\Job;
use Illuminate\Queue\SyncQueue;

/**
 * A job that runs others within its own time.
 */
final class SendNewsletter
{
    public function __construct(private readonly SyncQueue $queue)
    {
    }

    /**
     * @param array{to: list<string>} $data
     */
    public function handle(Job $job, array $data): void
    {
        foreach ($data['to'] as $address) {
            $this->queue->push(SendMail::class . '@handle', ['to' => $address]);
        }
        $job->delete();
    }
}
