<?php

declare(strict_types=1);

namespace App\Metrics;

use Promshm\Counter;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\Messenger\Event\WorkerMessageFailedEvent;

/**
 * Counts the failures of a Messenger worker, by whether the message will be tried again.
 *
 * Symfony finds the subscriber by itself. It must run after the listener that decides about the retry, at 100.
 */
final class RetryMetrics implements EventSubscriberInterface
{
    private readonly Counter $failed;

    public function __construct()
    {
        $labels = ['message', 'transport', 'retried'];
        $this->failed = new Counter('messenger_failed_total', 'Messages whose handling failed.', $labels);
    }

    public static function getSubscribedEvents(): array
    {
        return [WorkerMessageFailedEvent::class => 'onFailure'];
    }

    public function onFailure(WorkerMessageFailedEvent $event): void
    {
        $this->failed->inc([
            'message' => $event->getEnvelope()->getMessage()::class,
            'transport' => $event->getReceiverName(),
            'retried' => $event->willRetry(),
        ]);
    }
}
