<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\Counter;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\Messenger\Event\WorkerMessageFailedEvent;
use Symfony\Component\Messenger\Event\WorkerMessageReceivedEvent;
use Symfony\Component\Messenger\Event\WorkerRunningEvent;

/**
 * Counts the failures of a worker, by whether the message will be tried again, and the time that it waits for
 * messages.
 *
 * @api
 */
final class MessengerSubscriber implements EventSubscriberInterface
{
    private readonly Counter $failed;
    private readonly Counter $idle;
    private ?int $idleSince = null;

    public function __construct()
    {
        $labels = ['message', 'transport', 'retried'];
        $this->failed = new Counter('messenger_failed_total', 'Messages whose handling failed.', $labels);
        $this->idle = new Counter('messenger_idle_seconds_total', 'Time that workers waited for messages.');
    }

    /**
     * @return array<string, string>
     */
    public static function getSubscribedEvents(): array
    {
        return [
            WorkerMessageFailedEvent::class => 'onFailure', // after the listener at 100, which decides about the retry
            WorkerMessageReceivedEvent::class => 'onReceived',
            WorkerRunningEvent::class => 'onRunning',
        ];
    }

    public function onFailure(WorkerMessageFailedEvent $event): void
    {
        $this->failed->inc([
            'message' => get_class($event->getEnvelope()->getMessage()),
            'transport' => $event->getReceiverName(),
            'retried' => $event->willRetry(),
        ]);
    }

    public function onReceived(WorkerMessageReceivedEvent $event): void
    {
        $this->addIdle();
        $this->idleSince = null;
    }

    /** The worker tells after each message, and after each look at empty queues. */
    public function onRunning(WorkerRunningEvent $event): void
    {
        $this->addIdle();
        $this->idleSince = hrtime(true);
    }

    private function addIdle(): void
    {
        if ($this->idleSince !== null) {
            $this->idle->incBy((hrtime(true) - $this->idleSince) / 1e9);
        }
    }
}
