<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use App\Metrics\Mail;
use Promshm\Storage\PromphpAdapter;
use Promshm\Symfony\ArtprimaStorageFactory;
use Promshm\Tests\MetricsTestCase;
use Symfony\Bundle\FrameworkBundle\Console\Application;
use Symfony\Component\Console\Tester\ApplicationTester;
use Symfony\Component\Filesystem\Filesystem;
use Symfony\Component\Messenger\MessageBusInterface;

require_once 'Symfony/Component/HttpKernel/autoload.php';
require_once 'Symfony/Bundle/FrameworkBundle/autoload.php';
require_once 'Symfony/Component/Messenger/autoload.php';
require_once 'Symfony/Component/Console/autoload.php';
require_once 'Symfony/Component/Yaml/autoload.php';

/**
 * The example's configuration and handler in a kernel of Symfony's, with its bus and its worker.
 */
final class SymfonyTest extends MetricsTestCase
{
    private ExampleKernel $kernel;

    protected function setUp(): void
    {
        parent::setUp();
        $this->kernel = new ExampleKernel();
        $this->kernel->boot();
    }

    protected function tearDown(): void
    {
        $this->kernel->shutdown();
    }

    public static function tearDownAfterClass(): void
    {
        (new Filesystem())->remove((new ExampleKernel())->getProjectDir());
    }

    public function testTheBundleCountsMessagesAndTheHandlerWhatItKnows(): void
    {
        $this->dispatch(new Mail('a', 'welcome'), new Mail('b', 'welcome'), new Mail('nobody', 'bill'));
        $application = new Application($this->kernel);
        $application->setAutoExit(false);
        $tester = new ApplicationTester($application);
        $exit = $tester->run(['command' => 'messenger:consume', 'receivers' => ['async'], '--limit' => '3', '--sleep' => '0.01']);
        self::assertSame(0, $exit, $tester->getDisplay());
        $labels = 'message="App\\\\Metrics\\\\Mail",transport="async"';
        $samples = self::samples();
        foreach (["handled_total{{$labels},result=\"ok\"} 2", "handled_total{{$labels},result=\"failed\"} 1", "wait_seconds_count{{$labels}} 3"] as $line) {
            self::assertStringContainsString("messenger_$line\n", $samples);
        }
        self::assertStringContainsString("messenger_handling_seconds_bucket{{$labels},le=\"60.0\"} 3\n", $samples);
        self::assertStringContainsString("shop_mails_total{template=\"welcome\"} 2\n", $samples);
        self::assertStringNotContainsString('template="bill"', $samples);
    }

    public function testAMessageThatIsSentIsNotCounted(): void
    {
        $this->dispatch(new Mail('a', 'welcome'));
        self::assertStringNotContainsString('{message=', self::samples());
    }

    public function testTheFactoryForArtprimasBundleMakesTheStorage(): void
    {
        $factory = new ArtprimaStorageFactory();
        self::assertSame('promshm', $factory->getName());
        self::assertInstanceOf(PromphpAdapter::class, $factory->create(['type' => 'promshm']));
    }

    private function dispatch(Mail ...$mails): void
    {
        $bus = $this->kernel->getContainer()->get('test.service_container')->get(MessageBusInterface::class);
        foreach ($mails as $mail) {
            $bus->dispatch($mail);
        }
    }
}
