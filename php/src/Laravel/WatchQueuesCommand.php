<?php

declare(strict_types=1);

namespace Promshm\Laravel;

use Illuminate\Console\Command;
use Illuminate\Contracts\Queue\Factory;
use Illuminate\Contracts\Queue\Queue;
use Illuminate\Queue\DatabaseQueue;
use Promshm\Gauge;
use Promshm\GaugeMode;

/**
 * `artisan promshm:queue:watch [CONNECTION:QUEUE…]` sets `queue_size` and `queue_oldest_job_seconds` every few seconds,
 * beside the workers: a queue is measured also where no worker runs. When the command ends, its gauges are gone, so that no
 * old number stays.
 *
 * @api
 */
final class WatchQueuesCommand extends Command
{
    /** @var string */
    protected $signature = 'promshm:queue:watch {queues* : as connection:queue, or queue for the default connection}
        {--interval=5 : Seconds between two looks} {--looks=0 : End after so many looks; 0 for never}';

    /** @var string */
    protected $description = 'Measures the queues, for alerts and autoscaling';

    public function handle(Factory $queues): int
    {
        $size = new Gauge('queue_size', 'Jobs that wait in a queue.', ['connection', 'queue'], GaugeMode::Max);
        $help = 'How long the oldest job of a queue waits.';
        $oldest = new Gauge('queue_oldest_job_seconds', $help, ['connection', 'queue'], GaugeMode::Max);
        [$interval, $looks] = [(float) $this->option('interval'), (int) $this->option('looks')];
        if ($interval <= 0) {
            $this->error('--interval must be a number of seconds above 0');
            return self::INVALID;
        }
        for ($look = 1; true; $look++) {
            foreach ((array) $this->argument('queues') as $named) {
                [$connection, $queue] = str_contains($named, ':') ? explode(':', $named, 2) : [null, $named];
                $found = $queues->connection($connection);
                $labels = [$found->getConnectionName(), $queue];
                $size->set($found->size($queue), $labels);
                $since = $this->waitingSince($found, $queue);
                $since === null ? $oldest->remove($labels) : $oldest->set(max(0, time() - $since), $labels);
            }
            if ($look === $looks) {
                return self::SUCCESS;
            }
            usleep((int) ($interval * 1e6));
        }
    }

    /** Since when the oldest job waits, now if none does; null where that cannot be known. Laravel 12 knows, and so does a table. */
    private function waitingSince(Queue $queue, string $name): ?int
    {
        if ($queue->size($name) === 0) {
            return time();
        }
        if (method_exists($queue, 'creationTimeOfOldestPendingJob')) {
            $since = $queue->creationTimeOfOldestPendingJob($name);
            return is_int($since) ? $since : null;
        }
        if (!$queue instanceof DatabaseQueue) {
            return null;
        }
        $table = $this->laravel->make('config')->get("queue.connections.{$queue->getConnectionName()}.table");
        $waiting = $queue->getDatabase()->table($table)->where('queue', $name)->whereNull('reserved_at');
        $since = $waiting->where('available_at', '<=', time())->min('available_at');
        return $since === null ? time() : (int) $since; // those that are there are delayed, or being worked on
    }
}
