<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

use Illuminate\Config\Repository;
use Illuminate\Console\Application as Artisan;
use Illuminate\Console\Events\ScheduledTaskFailed;
use Illuminate\Console\Events\ScheduledTaskFinished;
use Illuminate\Console\Events\ScheduledTaskStarting;
use Illuminate\Console\Scheduling\Event;
use Illuminate\Console\Scheduling\EventMutex;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Database\DatabaseServiceProvider;
use Illuminate\Events\EventServiceProvider;
use Illuminate\Foundation\Application;
use Illuminate\Http\Request;
use Illuminate\Http\Response;
use Illuminate\Queue\Connectors\ConnectorInterface;
use Illuminate\Queue\QueueServiceProvider;
use Illuminate\Queue\SyncQueue;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;
use Illuminate\Routing\Pipeline;
use Illuminate\Routing\Router;
use Illuminate\Support\Facades\Facade;
use PHPUnit\Framework\Attributes\Group;
use Promshm\Laravel\HttpMetrics;
use Promshm\Laravel\PromshmServiceProvider;
use Promshm\Laravel\QueueMetrics;
use Promshm\Laravel\WatchQueuesCommand;
use Promshm\RegistryInterface;
use Promshm\Tests\Examples\SendMail;
use Promshm\Tests\Examples\SendNewsletter;
use Promshm\Tests\MetricsTestCase;
use Symfony\Component\Console\Input\ArrayInput;
use Symfony\Component\Console\Output\BufferedOutput;
use Symfony\Component\HttpKernel\Exception\HttpException;

require_once 'Illuminate/autoload.php';

/**
 * The service provider in an application of Laravel's, with its queue in a database, its worker, router and console.
 *
 * Laravel 8 is older than PHP 8.2 and uses what that deprecates.
 */
final class LaravelTest extends MetricsTestCase
{
    private Application $app;
    private int $errors;

    protected function setUp(): void
    {
        parent::setUp();
        $this->errors = error_reporting(E_ALL & ~E_DEPRECATED);
        $this->app = new Application(sys_get_temp_dir());
        Facade::setFacadeApplication($this->app); // Laravel's own kernels do that
        $this->app->instance('config', new Repository([
            'app' => ['env' => 'testing'],
            'database' => ['default' => 'm', 'connections' => ['m' => ['driver' => 'sqlite', 'database' => ':memory:', 'prefix' => '']]],
            'queue' => [
                'default' => 'db',
                'connections' => [
                    'db' => ['driver' => 'database', 'table' => 'jobs', 'queue' => 'default', 'retry_after' => 90],
                    'sync' => ['driver' => 'sync'],
                ],
                'failed' => ['driver' => 'null'],
            ],
            'promshm' => ['queue' => ['enabled' => true, 'buckets' => [1, 10], 'tags' => ['mail']]],
        ]));
        $handler = $this->createStub(ExceptionHandler::class);
        $handler->method('render')->willReturnCallback(static fn (Request $request, \Throwable $thrown): Response
            => new Response('', $thrown instanceof HttpException ? $thrown->getStatusCode() : 500));
        $this->app->instance(ExceptionHandler::class, $handler);
        foreach ([EventServiceProvider::class, DatabaseServiceProvider::class, QueueServiceProvider::class, PromshmServiceProvider::class] as $provider) {
            $this->app->register($provider);
        }
        $this->app->boot();
        $this->app->make('db')->connection()->getSchemaBuilder()->create('jobs', static function ($table): void {
            $table->bigIncrements('id');
            $table->string('queue');
            $table->longText('payload');
            $table->unsignedTinyInteger('attempts');
            $table->unsignedInteger('reserved_at')->nullable();
            $table->unsignedInteger('available_at');
            $table->unsignedInteger('created_at');
        });
    }

    protected function tearDown(): void
    {
        $this->app->flush();
        Facade::clearResolvedInstances();
        Facade::setFacadeApplication(null);
        error_reporting($this->errors);
    }

    public function testAWorkersJobsAreCountedByTheirEnds(): void
    {
        $queue = $this->app->make('queue')->connection('db');
        foreach (['a', 'b', 'nobody', 'blocked', 'busy'] as $to) {
            $queue->push(SendMail::class . '@handle', ['to' => $to]);
        }
        [$exit] = $this->watch(['queues' => ['db:default', 'default']]);
        self::assertSame(0, $exit);
        self::assertSame(['queue_size{connection="db",queue="default"} 5'], self::lines('/^queue_size/'));
        $start = hrtime(true);
        $this->work(5);
        $labels = 'job="Promshm\\\\Tests\\\\Examples\\\\SendMail",queue="default"';
        self::assertSame([
            "queue_job_seconds_count{{$labels}} 5",
            "queue_jobs_given_up_total{{$labels}} 2", // it threw, and has one try
            "queue_jobs_in_flight{{$labels}} 0",
            "queue_jobs_total{{$labels},result=\"exception\"} 1",
            "queue_jobs_total{{$labels},result=\"failed\"} 1",
            "queue_jobs_total{{$labels},result=\"ok\"} 2",
            "queue_jobs_total{{$labels},result=\"released\"} 1",
        ], self::lines('/^queue_job(s|_seconds_count)/'));
        self::assertCount(3, self::lines('/^queue_job_seconds_bucket/'));
        [$busy, $idle] = array_map(self::value(...), ['queue_busy_seconds_total{connection="db"}', 'queue_idle_seconds_total{connection="db"}']);
        self::assertGreaterThanOrEqual(self::value("queue_job_seconds_sum{{$labels}}"), $busy);
        self::assertGreaterThan(0, $idle);
        self::assertLessThanOrEqual((hrtime(true) - $start) / 1e9, $busy + $idle, 'a worker is busy or idle, not both');
    }

    public function testOnlyNamedTagsOfHorizonAreCounted(): void
    {
        $queue = $this->app->make('queue')->connection('db');
        $payload = ['displayName' => 'Send', 'job' => SendMail::class . '@handle', 'data' => ['to' => 'a'], 'maxTries' => 1];
        $queue->pushRaw((string) json_encode($payload + ['tags' => ['mail', 'App\\Models\\User:7']]));
        $queue->pushRaw((string) json_encode($payload));
        $this->work(2);
        self::assertSame(['queue_tagged_jobs_total{tag="mail",result="ok"} 1'], self::lines('/^queue_tagged/'));
    }

    public function testAJobWithinAnotherHasItsOwnTime(): void
    {
        $this->app->bind(SendNewsletter::class, fn () => new SendNewsletter($this->app->make('queue')->connection('sync')));
        $this->app->make('queue')->connection('db')->push(SendNewsletter::class . '@handle', ['to' => ['a', 'b']]);
        $this->work(1);
        self::assertSame([
            'queue_job_seconds_count{job="Promshm\\\\Tests\\\\Examples\\\\SendMail",queue="sync"} 2',
            'queue_job_seconds_count{job="Promshm\\\\Tests\\\\Examples\\\\SendNewsletter",queue="default"} 1',
        ], self::lines('/^queue_job_seconds_count/'));
        self::assertSame([], preg_grep('/ 0$/', self::lines('/^queue_jobs_in_flight/'), PREG_GREP_INVERT));
        $busy = self::lines('/^queue_busy_seconds_total/');
        self::assertCount(1, $busy, 'the inner jobs are part of the outer one');
        self::assertStringStartsWith('queue_busy_seconds_total{connection="db"} ', $busy[0]);
    }

    public function testAQueueWithoutANameCounts(): void
    {
        $queue = new SyncQueue(); // without Laravel's manager, which names each
        $queue->setContainer($this->app);
        $queue->push(SendMail::class . '@handle', ['to' => 'a']);
        $job = 'job="Promshm\\\\Tests\\\\Examples\\\\SendMail",queue="sync"';
        self::assertSame(["queue_jobs_total{{$job},result=\"ok\"} 1"], self::lines('/^queue_jobs_total/'));
        self::assertCount(1, self::lines('/^queue_busy_seconds_total\{connection=""\}/'));
    }

    public function testTheAgeOfTheOldestWaitingJobIsWatched(): void
    {
        $age = fn (): float => self::value('queue_oldest_job_seconds{connection="db",queue="default"}');
        $this->watch(['queues' => ['default']]);
        self::assertSame(0.0, $age());
        foreach ([-900, -500, -100, 300] as $at => $available) {
            $this->app->make('db')->connection()->table('jobs')->insert([
                'queue' => 'default', 'payload' => '{}', 'attempts' => 0, 'reserved_at' => $at === 0 ? time() : null,
                'available_at' => time() + $available, 'created_at' => time() - 1000,
            ]);
        }
        $this->watch(['queues' => ['default']]);
        self::assertGreaterThanOrEqual(500.0, $age(), 'the job that is worked on does not wait');
        self::assertLessThan(560.0, $age());
        $this->app->make('config')->set('queue.connections.other', ['driver' => 'sync']);
        $this->watch(['queues' => ['other:x']]);
        self::assertSame(['queue_oldest_job_seconds{connection="other",queue="x"} 0'], self::lines('/^queue_oldest.*other/'));
    }

    public function testTheAgeIsAskedOfQueuesThatKnowIt(): void
    {
        $queue = new class extends SyncQueue {
            public ?int $since = null;

            public function size($queue = null): int
            {
                return 3;
            }

            public function creationTimeOfOldestPendingJob($queue = null): ?int
            {
                return $this->since;
            }
        };
        $this->app->make('queue')->extend('known', static fn () => new class ($queue) implements ConnectorInterface {
            public function __construct(private readonly SyncQueue $queue)
            {
            }

            public function connect(array $config): SyncQueue
            {
                return $this->queue;
            }
        });
        $this->app->make('config')->set('queue.connections.new', ['driver' => 'known']);
        $queue->since = time() - 70;
        $this->watch(['queues' => ['new:x']]);
        self::assertCount(1, self::lines('/^queue_oldest_job_seconds\{connection="new",queue="x"\} 7\d$/'));
        $queue->since = null; // it does not know, so no old number may stay
        $this->watch(['queues' => ['new:x']]);
        self::assertSame([], self::lines('/^queue_oldest/'));
    }

    /**
     * @group native
     */
    #[Group('native')]
    public function testNumbersOfAWatchThatIsKilledAreGone(): void
    {
        [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0) ?: [];
        $pid = pcntl_fork();
        if ($pid === 0) {
            $this->watch(['queues' => ['default']]);
            fwrite($theirs, "set\n");
            sleep(60);
            posix_kill(getmypid(), SIGKILL);
        }
        self::assertSame("set\n", fgets($ours));
        self::assertCount(2, self::lines('/^queue_(size|oldest_job_seconds)/'));
        posix_kill($pid, SIGKILL);
        pcntl_waitpid($pid, $status);
        self::assertSame([], self::lines('/^queue_/'));
    }

    /** Octane keeps the services, and gives each request a copy of the application. */
    public function testServicesOutliveTheirRequestsAndKeepNothingOfThem(): void
    {
        $metrics = $this->app->make(HttpMetrics::class);
        $kept = [];
        foreach ([1, 2] as $number) {
            $sandbox = clone $this->app;
            self::assertSame($metrics, $sandbox->make(HttpMetrics::class));
            $router = new Router($sandbox->make('events'), $sandbox);
            $router->get('users/{id}', static fn (): string => 'a user')->name('user.show');
            $request = Request::create("/users/$number");
            (new Pipeline($sandbox))->send($request)->through([HttpMetrics::class])->then(static fn ($r) => $router->dispatch($r));
            $sandbox->make('queue')->connection('sync')->push(SendMail::class . '@handle', ['to' => 'a']);
            array_push($kept, \WeakReference::create($request), \WeakReference::create($sandbox));
            unset($request, $router, $sandbox);
        }
        gc_collect_cycles();
        self::assertSame(['http_request_seconds_count{method="GET",route="user.show",status="200"} 2'], self::lines('/^http_request_seconds_count/'));
        self::assertSame(0, count(self::property($this->app->make(QueueMetrics::class), 'timers')));
        self::assertNull($kept[0]->get());
        self::assertNull($kept[2]->get());
    }

    public function testRequestsAreCountedByTheNameOrThePatternOfTheirRoute(): void
    {
        $router = new Router($this->app->make('events'), $this->app);
        $router->get('users/{id}', static fn (): string => 'a user')->name('user.show');
        $router->get('posts/{id}', static fn (): string => 'a post');
        $router->get('fails', static fn () => throw new \RuntimeException('no'));
        foreach (['/users/1', '/users/2', '/posts/1', '/posts/2', '/unknown/1', '/unknown/2', '/fails'] as $path) {
            (new Pipeline($this->app))->send(Request::create($path))->through([HttpMetrics::class])
                ->then(static fn (Request $request) => $router->dispatch($request));
        }
        self::assertSame([
            'http_request_seconds_count{method="GET",route="fails",status="500"} 1',
            'http_request_seconds_count{method="GET",route="none",status="404"} 2',
            'http_request_seconds_count{method="GET",route="posts/{id}",status="200"} 2',
            'http_request_seconds_count{method="GET",route="user.show",status="200"} 2',
        ], self::lines('/^http_request_seconds_count/'));
    }

    public function testScheduledTasksAreCountedByTheirName(): void
    {
        $events = $this->app->make('events');
        $mutex = $this->createStub(EventMutex::class);
        foreach ([0, 1] as $exit) {
            $task = new Event($mutex, "'/usr/bin/php8.2' 'artisan' report:send --all");
            $events->dispatch(new ScheduledTaskStarting($task));
            $task->exitCode = $exit;
            $events->dispatch(new ScheduledTaskFinished($task, 0.1));
        }
        $task = (new Event($mutex, ''))->description('clean up');
        $events->dispatch(new ScheduledTaskStarting($task));
        $events->dispatch(new ScheduledTaskFailed($task, new \RuntimeException('no')));
        self::assertSame([
            'schedule_task_seconds_count{task="clean up",result="failed"} 1',
            'schedule_task_seconds_count{task="report:send --all",result="failed"} 1',
            'schedule_task_seconds_count{task="report:send --all",result="ok"} 1',
        ], self::lines('/^schedule_task_seconds_count/'));
    }

    public function testTheRegistryIsAService(): void
    {
        self::assertSame($this->app->make(RegistryInterface::class), $this->app->make(RegistryInterface::class));
        [$exit, $said] = $this->watch(['queues' => ['default'], '--interval' => '0']);
        self::assertSame(2, $exit);
        self::assertStringContainsString('--interval must be', $said);
    }

    private static function value(string $series): float
    {
        $lines = self::lines('/^' . preg_quote($series, '/') . ' /');
        self::assertCount(1, $lines, $series);
        return (float) substr($lines[0], strlen($series) + 1);
    }

    private static function property(object $of, string $name): mixed
    {
        return (new \ReflectionProperty($of, $name))->getValue($of);
    }

    private function work(int $jobs): void
    {
        $none = static fn (): bool => false;
        $worker = new Worker($this->app->make('queue'), $this->app->make('events'), $this->app->make(ExceptionHandler::class), $none);
        $worker->daemon('db', 'default', new WorkerOptions('default', 0, 128, 60, 0, 1, false, true, $jobs));
    }

    /**
     * @param array<mixed> $arguments
     * @return array{int, string}
     */
    private function watch(array $arguments): array
    {
        $artisan = new Artisan($this->app, $this->app->make('events'), 'test');
        $artisan->add($this->app->make(WatchQueuesCommand::class));
        $artisan->setAutoExit(false);
        $output = new BufferedOutput();
        $exit = $artisan->run(new ArrayInput(['command' => 'promshm:queue:watch', '--looks' => '1'] + $arguments), $output);
        return [$exit, $output->fetch()];
    }

    /**
     * @return list<string>
     */
    private static function lines(string $pattern): array
    {
        return array_values(preg_grep($pattern, explode("\n", self::samples())) ?: []);
    }
}
