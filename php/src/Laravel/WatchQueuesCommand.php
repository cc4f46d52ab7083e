<?php

declare(strict_types=1);

namespace Promshm\Laravel;

use Illuminate\Console\Command;
use Illuminate\Contracts\Queue\Factory;
use Promshm\Gauge;
use Promshm\GaugeMode;

/**
 * `artisan promshm:queue:watch [CONNECTION:QUEUE…]` sets `queue_size` every few seconds, beside the workers: a queue is
 * measured also where no worker runs. When the command ends, its gauges are gone, so that no old number stays.
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
        [$interval, $looks] = [(float) $this->option('interval'), (int) $this->option('looks')];
        if ($interval <= 0) {
            $this->error('--interval must be a number of seconds above 0');
            return self::INVALID;
        }
        for ($look = 1; true; $look++) {
            foreach ((array) $this->argument('queues') as $named) {
                [$connection, $queue] = str_contains($named, ':') ? explode(':', $named, 2) : [null, $named];
                $found = $queues->connection($connection);
                $size->set($found->size($queue), [$found->getConnectionName(), $queue]);
            }
            if ($look === $looks) {
                return self::SUCCESS;
            }
            usleep((int) ($interval * 1e6));
        }
    }
}
