<?php

declare(strict_types=1);

namespace App\Metrics;

use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobFailed;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Promshm\Counter;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Promshm\Timer;

/**
 * Counts and times the jobs of a queue worker by Laravel's own events.
 */
final class QueueMetrics
{
    private const LABELS = ['job', 'queue'];

    private readonly Counter $processed;
    private readonly Gauge $inFlight;
    private readonly Histogram $seconds;

    /** A worker handles one job at a time. */
    private ?Timer $timer = null;

    public function __construct()
    {
        $this->processed = new Counter('queue_jobs_total', 'Attempts at jobs.', [...self::LABELS, 'result']);
        $this->inFlight = new Gauge('queue_jobs_in_flight', 'Jobs being worked on.', self::LABELS, GaugeMode::Sum);
        $this->seconds = new Histogram('queue_job_seconds', 'Time an attempt takes.', self::LABELS);
    }

    public function subscribe(Dispatcher $events): void
    {
        $events->listen(JobProcessing::class, [$this, 'begin']);
        $events->listen(JobProcessed::class, fn ($event) => $this->end($event, 'ok'));
        $events->listen(JobExceptionOccurred::class, fn ($event) => $this->end($event, 'exception'));
        $events->listen(JobFailed::class, [$this, 'giveUp']);
    }

    public function begin(JobProcessing $event): void
    {
        $labels = self::labels($event);
        $this->inFlight->inc($labels);
        $this->timer = $this->seconds->startTimer($labels);
    }

    public function end(JobProcessed|JobExceptionOccurred $event, string $result): void
    {
        $labels = self::labels($event);
        $this->inFlight->dec($labels);
        $this->timer?->observeDuration();
        $this->timer = null;
        $this->processed->inc([...$labels, $result]);
    }

    /** A job that will not be tried again; its last attempt has an exception of its own. */
    public function giveUp(JobFailed $event): void
    {
        $this->processed->inc([...self::labels($event), 'given up']);
    }

    /**
     * @return list<string>
     */
    private static function labels(JobProcessing|JobProcessed|JobExceptionOccurred|JobFailed $event): array
    {
        return [$event->job->resolveName(), $event->job->getQueue()];
    }
}
