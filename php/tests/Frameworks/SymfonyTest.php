<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

use Promshm\Symfony\SentAtStamp;
use Promshm\Symfony\WatchQueuesCommand;
use Promshm\Tests\MetricsTestCase;
use Symfony\Bundle\FrameworkBundle\Console\Application;
use Symfony\Component\Console\Tester\ApplicationTester;
use Symfony\Component\Console\Tester\CommandTester;
use Symfony\Component\DependencyInjection\ServiceLocator;
use Symfony\Component\Filesystem\Filesystem;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\MessageBusInterface;
use Symfony\Component\Messenger\Transport\Receiver\ListableReceiverInterface;
use Symfony\Component\Messenger\Transport\Receiver\MessageCountAwareInterface;

require_once 'Symfony/Component/HttpKernel/autoload.php';
require_once 'Symfony/Bundle/FrameworkBundle/autoload.php';
require_once 'Symfony/Component/Messenger/autoload.php';
require_once 'Symfony/Component/Console/autoload.php';
require_once 'Symfony/Component/Messenger/Bridge/Doctrine/autoload.php';
require_once 'Doctrine/DBAL/autoload.php';

/**
 * The bundle in a kernel of Symfony's, with its real container, router, bus, transport, worker and console.
 */
final class SymfonyTest extends MetricsTestCase
{
    private TestKernel $kernel;

    protected function setUp(): void
    {
        parent::setUp();
        $this->kernel = new TestKernel();
        $this->kernel->boot();
    }

    protected function tearDown(): void
    {
        $this->kernel->shutdown();
    }

    public static function tearDownAfterClass(): void
    {
        (new Filesystem())->remove((new TestKernel())->getProjectDir()); // with the container, made once
    }

    public function testRequestsAreCountedByTheNameOfTheirRoute(): void
    {
        foreach (['/users/1', '/users/2', '/users/3?x=y', '/unknown/1', '/unknown/2', '/fails'] as $path) {
            $this->kernel->handle(Request::create($path));
        }
        $this->kernel->handle(Request::create('/users/4', 'BREW'));
        self::assertSame([
            'http_request_seconds_count{method="GET",route="fails",status="500"} 1',
            'http_request_seconds_count{method="GET",route="none",status="404"} 2',
            'http_request_seconds_count{method="GET",route="user_show",status="200"} 3',
            'http_request_seconds_count{method="other",route="user_show",status="200"} 1',
        ], self::lines('/^http_request_seconds_count/'));
        self::assertCount(3, self::lines('/^http_request_seconds_bucket.*"fails"/')); // the buckets of the config
    }

    public function testAWorkerOfMessengerIsCountedAndTimed(): void
    {
        $bus = $this->kernel->getContainer()->get('test.service_container')->get(MessageBusInterface::class);
        foreach (['a', 'b', 'nobody'] as $to) {
            $bus->dispatch(new Job($to));
        }
        self::assertSame([], self::lines('/^messenger_handled/'));
        [$exit, $said] = $this->console('promshm:messenger:watch', ['transports' => ['async'], '--looks' => '1']);
        self::assertSame(0, $exit, $said);
        self::assertSame(['messenger_queue_messages{transport="async"} 3'], self::lines('/^messenger_queue_messages/'));
        self::assertAgeIsWithin(0, 60);
        $start = hrtime(true);
        [$exit, $said] = $this->console('messenger:consume', ['receivers' => ['async'], '--limit' => '3', '--sleep' => '0.01']);
        self::assertSame(0, $exit, $said);
        $labels = 'message="Promshm\\\\Tests\\\\Frameworks\\\\Job",transport="async"';
        self::assertSame([
            "messenger_failed_total{{$labels},retried=\"true\"} 1",
            "messenger_handled_total{{$labels},result=\"failed\"} 1",
            "messenger_handled_total{{$labels},result=\"ok\"} 2",
            "messenger_handling_seconds_count{{$labels}} 3",
            "messenger_in_flight{{$labels}} 0",
            "messenger_wait_seconds_count{{$labels}} 3",
        ], self::lines('/^messenger_(failed|handled|in_flight|.*_count)/'));
        [$busy, $idle] = array_map(self::value(...), ['messenger_busy_seconds_total', 'messenger_idle_seconds_total']);
        $handling = self::value("messenger_handling_seconds_sum{{$labels}}");
        self::assertGreaterThanOrEqual($handling, $busy);
        self::assertGreaterThan(0, $idle);
        self::assertLessThanOrEqual((hrtime(true) - $start) / 1e9, $busy + $idle, 'a worker is busy or idle, not both');
        self::assertSame(['ok'], self::results('messenger:consume'));
        $queries = implode("\n", self::lines('/^db_query_seconds_count/'));
        self::assertStringContainsString('{operation="insert",result="ok"} 4', $queries); // three, and the retry
        self::assertStringContainsString('{operation="delete",result="ok"} 3', $queries);
    }

    public function testTheAgeOfTheOldestMessageIsWatched(): void
    {
        $bus = $this->kernel->getContainer()->get('test.service_container')->get(MessageBusInterface::class);
        $watch = fn (): array => $this->console('promshm:messenger:watch', ['transports' => ['async'], '--looks' => '1']);
        $watch();
        self::assertSame(['messenger_queue_oldest_seconds{transport="async"} 0'], self::lines('/^messenger_queue_oldest/'));
        $bus->dispatch(new Job('a'), [new SentAtStamp(microtime(true) - 500)]);
        $bus->dispatch(new Job('b'));
        $watch();
        self::assertAgeIsWithin(500, 560);
    }

    public function testMessagesThatSayNoTimeHaveNoAge(): void
    {
        $receiver = new class implements MessageCountAwareInterface, ListableReceiverInterface {
            /** @var list<Envelope> */
            public array $all = [];

            public function getMessageCount(): int
            {
                return 7;
            }

            public function all(?int $limit = null): iterable
            {
                return $this->all;
            }

            public function find(mixed $id): ?Envelope
            {
                return null;
            }

            public function get(): iterable
            {
                return [];
            }

            public function ack(Envelope $envelope): void
            {
            }

            public function reject(Envelope $envelope): void
            {
            }
        };
        $receiver->all = [new Envelope(new Job('a'), [new SentAtStamp(microtime(true) - 5)])];
        $watch = new CommandTester(new WatchQueuesCommand(new ServiceLocator(['x' => static fn () => $receiver])));
        $look = static fn (): int => $watch->execute(['transports' => ['x'], '--looks' => '1']);
        self::assertSame(0, $look());
        self::assertCount(1, self::lines('/^messenger_queue_oldest_seconds\{transport="x"\} 5/'));
        $receiver->all = [new Envelope(new Job('a'))];
        self::assertSame(0, $look());
        self::assertSame(['messenger_queue_messages{transport="x"} 7'], self::lines('/^messenger_queue/'));
    }

    public function testAWatchThatCannotCountSaysSo(): void
    {
        [$exit] = $this->console('promshm:messenger:watch', ['transports' => ['none']]);
        self::assertSame(1, $exit);
        [$exit] = $this->console('promshm:messenger:watch', ['--interval' => '0']);
        self::assertSame(2, $exit);
    }

    public function testCommandsAreCountedAndMetricsListed(): void
    {
        [$exit, $said] = $this->console('debug:metrics');
        self::assertSame(0, $exit, $said);
        [$exit, $said] = $this->console('debug:metrics', ['name' => 'console_command_seconds']);
        self::assertSame(0, $exit, $said);
        self::assertStringContainsString('console_command_seconds_count (command="debug:metrics", result="ok"): 1', $said);
        [$exit, $said] = $this->console('debug:metrics', ['name' => 'unknown']);
        self::assertSame(1, $exit);
        self::assertStringContainsString('no metric unknown', $said);
        self::assertSame(['failed', 'ok'], self::results('debug:metrics'));
        [, $said] = $this->console('debug:metrics');
        self::assertMatchesRegularExpression('/console_command_seconds +histogram +command, result/', $said);
    }

    /**
     * @param array<mixed> $arguments
     * @return array{int, string}
     */
    private function console(string $command, array $arguments = []): array
    {
        $application = new Application($this->kernel);
        $application->setAutoExit(false);
        $tester = new ApplicationTester($application);
        $exit = $tester->run(['command' => $command] + $arguments);
        return [$exit, $tester->getDisplay()];
    }

    private static function value(string $series): float
    {
        $lines = self::lines('/^' . preg_quote($series, '/') . ' /');
        self::assertCount(1, $lines, $series);
        return (float) substr($lines[0], strlen($series) + 1);
    }

    private static function assertAgeIsWithin(float $least, float $most): void
    {
        $age = self::value('messenger_queue_oldest_seconds{transport="async"}');
        self::assertGreaterThanOrEqual($least, $age);
        self::assertLessThan($most, $age);
    }

    /**
     * @return list<string>
     */
    private static function results(string $command): array
    {
        $lines = self::lines("/^console_command_seconds_count.*\"$command\"/");
        return array_map(static fn (string $line): string => preg_replace('/.*result="(.*)".*/', '$1', $line) ?? '', $lines);
    }

    /**
     * @return list<string>
     */
    private static function lines(string $pattern): array
    {
        return array_values(preg_grep($pattern, explode("\n", self::samples())) ?: []);
    }
}
