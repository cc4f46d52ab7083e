<?php

declare(strict_types=1);

namespace Promshm\Laravel;

use Illuminate\Console\Events\ScheduledTaskFailed;
use Illuminate\Console\Events\ScheduledTaskFinished;
use Illuminate\Console\Events\ScheduledTaskStarting;
use Illuminate\Console\Scheduling\Event;
use Illuminate\Contracts\Events\Dispatcher;
use Promshm\Histogram;

/**
 * Counts and times scheduled tasks, by their description or, where they have none, by the command.
 *
 * @api
 */
final class ScheduleMetrics
{
    private readonly Histogram $seconds;

    /** @var \WeakMap<Event, int> when each task began */
    private \WeakMap $starts;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(?array $buckets = null)
    {
        $help = 'Time that a scheduled task takes.';
        $this->seconds = new Histogram('schedule_task_seconds', $help, ['task', 'result'], $buckets);
        $this->starts = new \WeakMap();
    }

    public function subscribe(Dispatcher $events): void
    {
        $events->listen(ScheduledTaskStarting::class, function (ScheduledTaskStarting $event): void {
            $this->starts[$event->task] = hrtime(true);
        });
        $events->listen(ScheduledTaskFinished::class, fn (ScheduledTaskFinished $event)
            => $this->end($event->task, ($event->task->exitCode ?? 0) === 0 ? 'ok' : 'failed'));
        $events->listen(ScheduledTaskFailed::class, fn (ScheduledTaskFailed $event) => $this->end($event->task, 'failed'));
    }

    private function end(Event $task, string $result): void
    {
        $start = $this->starts[$task] ?? null;
        if ($start === null) {
            return; // it has ended already: a task that fails is finished, too
        }
        unset($this->starts[$task]);
        $this->seconds->observe((hrtime(true) - $start) / 1e9, [self::name($task), $result]);
    }

    private static function name(Event $task): string
    {
        $name = is_string($task->description) && $task->description !== '' ? $task->description : (string) $task->command;
        return preg_replace('/^.*?[\'"]?artisan[\'"]? /', '', $name) ?? $name;
    }
}
