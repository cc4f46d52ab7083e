<?php
// Laravel's queue in a database, and its stock worker: nothing here counts for promshm. At its end it says what Laravel has
// logged, as JSON: how many statements were executed.
require 'Illuminate/autoload.php';

use Illuminate\Bus\{BusServiceProvider, Queueable};
use Illuminate\Config\Repository;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Database\DatabaseServiceProvider;
use Illuminate\Events\EventServiceProvider;
use Illuminate\Foundation\Application;
use Illuminate\Queue\{InteractsWithQueue, QueueServiceProvider, Worker, WorkerOptions};

final class SendMail implements ShouldQueue
{
    use InteractsWithQueue;
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

$app = new Application(sys_get_temp_dir());
$app->instance('config', new Repository([
    'app' => ['timezone' => 'UTC'],
    'database' => ['default' => 'db', 'connections' => ['db' => ['driver' => 'sqlite', 'database' => ':memory:']]],
    'queue' => [
        'default' => 'db',
        'connections' => ['db' => ['driver' => 'database', 'table' => 'jobs', 'queue' => 'default', 'retry_after' => 90]],
        'failed' => ['driver' => 'null'],
    ],
]));
$app->instance('env', 'testing');
foreach ([EventServiceProvider::class, DatabaseServiceProvider::class, BusServiceProvider::class, QueueServiceProvider::class] as $provider) {
    $app->register($provider);
}
$app->instance(ExceptionHandler::class, new class implements ExceptionHandler {
    public function report(Throwable $e): void
    {
    }

    public function shouldReport(Throwable $e): bool
    {
        return false;
    }

    public function render($request, Throwable $e): never
    {
        throw $e;
    }

    public function renderForConsole($output, Throwable $e): void
    {
    }
});
$app->boot();
$database = $app->make('db')->connection();
$database->enableQueryLog();
$database->getSchemaBuilder()->create('jobs', function ($table) {
    $table->bigIncrements('id');
    $table->string('queue')->index();
    $table->longText('payload');
    $table->unsignedTinyInteger('attempts');
    $table->unsignedInteger('reserved_at')->nullable();
    $table->unsignedInteger('available_at');
    $table->unsignedInteger('created_at');
});
$queue = $app->make('queue')->connection('db');
for ($number = 0; $number < 6; $number++) {
    $queue->push(new SendMail($number));
}
$worker = new Worker($app->make('queue'), $app->make('events'), $app->make(ExceptionHandler::class), fn () => false);
$worker->daemon('db', 'default', new WorkerOptions(maxTries: 1, stopWhenEmpty: true));
echo json_encode(['executions' => count($database->getQueryLog())]);
