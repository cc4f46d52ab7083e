<?php

declare(strict_types=1);

namespace App\Metrics;

use Promshm\CounterInterface;
use Promshm\RegistryInterface;

/**
 * Handles a message, and counts what only the application knows. That the message was handled, how long it took and how long it
 * waited is counted by the bundle.
 */
final class SendMailHandler
{
    private readonly CounterInterface $mails;

    public function __construct(RegistryInterface $metrics)
    {
        // Few values: the names of templates, and never an address.
        $this->mails = $metrics->getOrRegisterCounter('shop', 'mails_total', 'Mails sent.', ['template']);
    }

    public function __invoke(Mail $mail): void
    {
        if ($mail->to === 'nobody') {
            throw new \RuntimeException('no such mailbox');
        }
        $this->mails->inc([$mail->template]);
    }
}
