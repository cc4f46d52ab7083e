<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

use Promshm\Tests\MetricsTestCase;
use Symfony\Bundle\FrameworkBundle\Console\Application;
use Symfony\Component\Console\Tester\ApplicationTester;
use Symfony\Component\Filesystem\Filesystem;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\Messenger\MessageBusInterface;

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
        self::assertSame(['messenger_queue_messages{transport="async"} 3'], self::lines('/^messenger_queue/'));
        [$exit, $said] = $this->console('messenger:consume', ['receivers' => ['async'], '--limit' => '3', '--sleep' => '0.01']);
        self::assertSame(0, $exit, $said);
        $labels = 'message="Promshm\\\\Tests\\\\Frameworks\\\\Job",transport="async"';
        self::assertSame([
            "messenger_failed_total{{$labels},retried=\"true\"} 1",
            "messenger_handled_total{{$labels},result=\"failed\"} 1",
            "messenger_handled_total{{$labels},result=\"ok\"} 2",
            "messenger_handling_seconds_count{{$labels}} 3",
            "messenger_in_flight{{$labels}} 0",
        ], self::lines('/^messenger_(failed|handled|in_flight|.*_count)/'));
        self::assertCount(1, self::lines('/^messenger_idle_seconds_total 0\.0|^messenger_idle_seconds_total \d/'));
        self::assertSame(['ok'], self::results('messenger:consume'));
        $queries = implode("\n", self::lines('/^db_query_seconds_count/'));
        self::assertStringContainsString('{operation="insert",result="ok"} 4', $queries); // three, and the retry
        self::assertStringContainsString('{operation="delete",result="ok"} 3', $queries);
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
