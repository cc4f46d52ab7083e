<?php
// Laravel's queue, as it comes: nothing here counts anything.
require 'Illuminate/Queue/autoload.php';
require 'Illuminate/Bus/autoload.php';
require 'Illuminate/Events/autoload.php';
require 'Illuminate/Container/autoload.php';
require 'Illuminate/Support/autoload.php';

use Illuminate\Bus\{Dispatcher as Bus, Queueable};
use Illuminate\Container\Container;
use Illuminate\Contracts\{Bus\Dispatcher as BusContract, Container\Container as ContainerContract};
use Illuminate\Contracts\Events\Dispatcher as EventsContract;
use Illuminate\Events\Dispatcher;
use Illuminate\Queue\SyncQueue;

final class SendMail
{
    use Queueable;

    public function __construct(public readonly int $number)
    {
    }

    public function handle(): void
    {
        if ($this->number === 3) {
            throw new DomainException('no');
        }
    }
}

Illuminate\Support\Str::createUuidsUsing(fn () => uniqid());
$app = new Container();
Container::setInstance($app);
$app->instance(ContainerContract::class, $app);
$app->singleton(BusContract::class, fn () => new Bus($app));
$app->singleton('events', fn () => new Dispatcher($app));
$app->alias('events', EventsContract::class);
$queue = new SyncQueue();
$queue->setContainer($app);
$queue->setConnectionName('sync');
for ($number = 0; $number < 6; $number++) {
    try {
        $queue->push(new SendMail($number));
    } catch (DomainException) {
    }
}
