<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\Counter;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\Messenger\Event\WorkerMessageFailedEvent;
use Symfony\Component\Messenger\Event\WorkerMessageReceivedEvent;
use Symfony\Component\Messenger\Event\WorkerRunningEvent;
use Symfony\Component\Messenger\Event\WorkerStartedEvent;

/**
 * Counts the failures of a worker, by whether the message will be tried again, and the time that it works and waits. Its
 * time is one or the other: from receiving a message to having done with it, retry and acknowledgement included, or not.
 *
 * @api
 */
final class MessengerSubscriber implements EventSubscriberInterface
{
    private readonly Counter $failed;
    private readonly Counter $busy;
    private readonly Counter $idle;
    private ?int $busySince = null;
    private ?int $idleSince = null;

    public function __construct()
    {
        $labels = ['message', 'transport', 'retried'];
        $this->failed = new Counter('messenger_failed_total', 'Messages whose handling failed.', $labels);
        $this->busy = new Counter('messenger_busy_seconds_total', 'Time that workers worked on messages.');
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
            WorkerStartedEvent::class => 'onStarted',
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

    public function onStarted(WorkerStartedEvent $event): void
    {
        [$this->busySince, $this->idleSince] = [null, hrtime(true)];
    }

    public function onReceived(WorkerMessageReceivedEvent $event): void
    {
        $this->add();
        $this->busySince = hrtime(true);
    }

    /** The worker tells after each message, and after each look at empty queues. */
    public function onRunning(WorkerRunningEvent $event): void
    {
        $this->add();
        $this->idleSince = hrtime(true);
    }

    /** Adds what has passed to what the worker did meanwhile, before it does something else. */
    private function add(): void
    {
        $now = hrtime(true);
        if ($this->busySince !== null) {
            $this->busy->incBy(($now - $this->busySince) / 1e9);
        } elseif ($this->idleSince !== null) {
            $this->idle->incBy(($now - $this->idleSince) / 1e9);
        }
        $this->busySince = $this->idleSince = null;
    }
}
