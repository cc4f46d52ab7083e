<?php

declare(strict_types=1);

namespace Promshm\Laravel;

use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobFailed;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Events\Looping;
use Promshm\Counter;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Promshm\Timer;

/**
 * Counts and times the jobs of a queue worker by Laravel's own events, and the time that it works and waits. A job within
 * another adds no busy time of its own.
 *
 * `queue_jobs_total` counts attempts, each with one result: `ok`, `released` (the job put itself back), `failed`
 * (the job called `fail()`) or `exception`. `queue_jobs_given_up_total` counts jobs that will not be tried again.
 *
 * @api
 */
final class QueueMetrics
{
    private const LABELS = ['job', 'queue'];

    private readonly Counter $attempts;
    private readonly Counter $givenUp;
    private readonly Counter $busy;
    private readonly Counter $idle;
    private readonly Counter $tagged;
    private readonly Gauge $inFlight;
    private readonly Histogram $seconds;

    /** @var \WeakMap<Job, Timer> One for each running job: one that dispatches another on `sync` runs around it. */
    private \WeakMap $timers;

    private ?int $idleSince = null;
    private int $busySince = 0;
    private string $busyConnection = '';

    /**
     * @param list<string> $tags those of Horizon's tags that are counted
     * @param list<int|float>|null $buckets
     */
    public function __construct(private readonly array $tags = [], ?array $buckets = null)
    {
        $this->attempts = new Counter('queue_jobs_total', 'Attempts at jobs.', [...self::LABELS, 'result']);
        $this->givenUp = new Counter('queue_jobs_given_up_total', 'Jobs that are not tried again.', self::LABELS);
        $this->busy = new Counter('queue_busy_seconds_total', 'Time that workers worked on jobs.', ['connection']);
        $this->idle = new Counter('queue_idle_seconds_total', 'Time that workers waited for jobs.', ['connection']);
        $this->tagged = new Counter('queue_tagged_jobs_total', 'Attempts at jobs with a tag.', ['tag', 'result']);
        $this->inFlight = new Gauge('queue_jobs_in_flight', 'Jobs being worked on.', self::LABELS, GaugeMode::Sum);
        $this->seconds = new Histogram('queue_job_seconds', 'Time an attempt takes.', self::LABELS, $buckets);
        $this->timers = new \WeakMap();
    }

    public function subscribe(Dispatcher $events): void
    {
        // A queue that was not made by Laravel's manager has no name.
        $events->listen(Looping::class, fn (Looping $event) => $this->wait((string) $event->connectionName));
        $events->listen(JobProcessing::class, fn (JobProcessing $event) => $this->begin((string) $event->connectionName, $event->job));
        $events->listen(JobProcessed::class, fn (JobProcessed $event) => $this->end($event->job, self::result($event->job)));
        $events->listen(JobExceptionOccurred::class, fn (JobExceptionOccurred $event)
            => $this->end($event->job, 'exception'));
        $events->listen(JobFailed::class, fn (JobFailed $event) => $this->givenUp->inc(self::labels($event->job)));
    }

    /** The worker looks for a job, for the first time or again. */
    private function wait(string $connection): void
    {
        $this->addIdle($connection);
        $this->idleSince = hrtime(true);
    }

    private function begin(string $connection, Job $job): void
    {
        $this->addIdle($connection);
        $this->idleSince = null;
        $labels = self::labels($job);
        $this->inFlight->inc($labels);
        if (count($this->timers) === 0) {
            [$this->busySince, $this->busyConnection] = [hrtime(true), $connection];
        }
        $this->timers[$job] = $this->seconds->startTimer($labels);
    }

    private function end(Job $job, string $result): void
    {
        $timer = $this->timers[$job] ?? null;
        if ($timer === null) {
            return; // it has ended already: a listener of JobProcessed threw
        }
        unset($this->timers[$job]);
        $timer->observeDuration();
        if (count($this->timers) === 0) {
            $this->busy->incBy((hrtime(true) - $this->busySince) / 1e9, [$this->busyConnection]);
        }
        $labels = self::labels($job);
        $this->inFlight->dec($labels);
        $this->attempts->inc([...$labels, $result]);
        foreach (array_intersect($this->tags, (array) ($job->payload()['tags'] ?? [])) as $tag) {
            $this->tagged->inc([$tag, $result]);
        }
    }

    private function addIdle(string $connection): void
    {
        if ($this->idleSince !== null) {
            $this->idle->incBy((hrtime(true) - $this->idleSince) / 1e9, [$connection]);
        }
    }

    /** Laravel calls a job processed when it threw nothing, also when it called `fail()` or `release()`. */
    private static function result(Job $job): string
    {
        return match (true) {
            $job->hasFailed() => 'failed',
            $job->isReleased() => 'released',
            default => 'ok',
        };
    }

    /**
     * @return list<string>
     */
    private static function labels(Job $job): array
    {
        return [$job->resolveName(), (string) $job->getQueue()];
    }
}
