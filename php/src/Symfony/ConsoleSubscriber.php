<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\Histogram;
use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\ConsoleEvents;
use Symfony\Component\Console\Event\ConsoleCommandEvent;
use Symfony\Component\Console\Event\ConsoleTerminateEvent;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;

/**
 * Counts and times console commands by their name. Arguments are no labels.
 *
 * @api
 */
final class ConsoleSubscriber implements EventSubscriberInterface
{
    private readonly Histogram $seconds;

    /** @var \WeakMap<Command, int> when each command began: one may run another */
    private \WeakMap $starts;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(?array $buckets = null)
    {
        $labels = ['command', 'result'];
        $this->seconds = new Histogram('console_command_seconds', 'Time that a command takes.', $labels, $buckets);
        $this->starts = new \WeakMap();
    }

    /**
     * @return array<string, array{string, int}>
     */
    public static function getSubscribedEvents(): array
    {
        return [ConsoleEvents::COMMAND => ['onCommand', 4096], ConsoleEvents::TERMINATE => ['onTerminate', -4096]];
    }

    public function onCommand(ConsoleCommandEvent $event): void
    {
        $command = $event->getCommand();
        if ($command !== null) {
            $this->starts[$command] = hrtime(true);
        }
    }

    public function onTerminate(ConsoleTerminateEvent $event): void
    {
        $command = $event->getCommand();
        $start = $command === null ? null : $this->starts[$command] ?? null;
        if ($command === null || $start === null) {
            return;
        }
        unset($this->starts[$command]);
        $result = $event->getExitCode() === Command::SUCCESS ? 'ok' : 'failed';
        $this->seconds->observe((hrtime(true) - $start) / 1e9, [$command->getName() ?? 'none', $result]);
    }
}
