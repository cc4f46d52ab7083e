<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use App\Metrics\MessengerMetrics;
use App\Metrics\PromshmFactory;
use App\Metrics\RetryMetrics;
use Promshm\Storage\PromphpAdapter;
use Promshm\Tests\MetricsTestCase;
use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Event\WorkerMessageFailedEvent;
use Symfony\Component\Messenger\EventListener\StopWorkerOnMessageLimitListener;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\MessageBus;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Transport\InMemoryTransport;
use Symfony\Component\Messenger\Worker;

require_once 'Symfony/Component/Messenger/autoload.php';
require_once 'Symfony/Component/EventDispatcher/autoload.php';

/**
 * A real Messenger worker, with a transport in memory.
 */
final class SymfonyTest extends MetricsTestCase
{
    public function testAWorkersMessagesAreCountedAndTimed(): void
    {
        $this->work([new Mail('a'), new Mail('b'), new Mail('fails'), new Mail('fails again')]);
        $labels = 'message="Promshm\\\\Tests\\\\Examples\\\\Mail",transport="async"';
        $samples = self::samples();
        self::assertStringContainsString("messenger_handled_total{{$labels},result=\"ok\"} 2\n", $samples);
        self::assertStringContainsString("messenger_handled_total{{$labels},result=\"failed\"} 2\n", $samples);
        self::assertStringContainsString("messenger_handling_seconds_count{{$labels}} 4\n", $samples);
        self::assertStringContainsString("messenger_in_flight{{$labels}} 0\n", $samples);
        self::assertStringContainsString("messenger_failed_total{{$labels},retried=\"true\"} 1\n", $samples);
        self::assertStringContainsString("messenger_failed_total{{$labels},retried=\"false\"} 1\n", $samples);
    }

    public function testAMessageThatIsSentIsNotCounted(): void
    {
        $this->bus()->dispatch(new Mail('a'));
        self::assertSamples();
    }

    public function testTheBundlesFactoryMakesTheStorage(): void
    {
        $factory = new PromshmFactory();
        self::assertSame('promshm', $factory->getName());
        self::assertInstanceOf(PromphpAdapter::class, $factory->create(['type' => 'promshm']));
    }

    private function bus(): MessageBus
    {
        $handle = static function (Mail $mail): void {
            self::assertInstanceOf(Mail::class, $mail);
            if (str_starts_with($mail->to, 'fails')) {
                throw new \RuntimeException('no such mailbox');
            }
        };
        $handlers = new HandlersLocator([Mail::class => [$handle]]);
        return new MessageBus([new MessengerMetrics(), new HandleMessageMiddleware($handlers)]);
    }

    /**
     * @param list<Mail> $mails
     */
    private function work(array $mails): void
    {
        $transport = new InMemoryTransport();
        foreach ($mails as $mail) {
            $transport->send(new Envelope($mail));
        }
        $events = new EventDispatcher();
        $events->addListener(WorkerMessageFailedEvent::class, static function (WorkerMessageFailedEvent $event): void {
            $mail = $event->getEnvelope()->getMessage();
            if ($mail instanceof Mail && $mail->to === 'fails') {
                $event->setForRetry();
            }
        }, 100);
        $events->addSubscriber(new RetryMetrics());
        $events->addSubscriber(new StopWorkerOnMessageLimitListener(count($mails)));
        (new Worker(['async' => $transport], $this->bus(), $events))->run(['sleep' => 0]);
    }
}
