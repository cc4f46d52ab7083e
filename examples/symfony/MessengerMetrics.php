<?php

declare(strict_types=1);

namespace App\Metrics;

use Promshm\Counter;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Middleware\MiddlewareInterface;
use Symfony\Component\Messenger\Middleware\StackInterface;
use Symfony\Component\Messenger\Stamp\ReceivedStamp;

/**
 * Counts and times the messages that a worker handles.
 *
 *     framework:
 *         messenger:
 *             buses:
 *                 messenger.bus.default:
 *                     middleware: [App\Metrics\MessengerMetrics]
 */
final class MessengerMetrics implements MiddlewareInterface
{
    private readonly Counter $handled;
    private readonly Gauge $inFlight;
    private readonly Histogram $seconds;

    public function __construct()
    {
        $labels = ['message', 'transport'];
        $this->handled = new Counter('messenger_handled_total', 'Messages handled.', [...$labels, 'result']);
        $this->inFlight = new Gauge('messenger_in_flight', 'Messages being handled.', $labels, GaugeMode::Sum);
        $this->seconds = new Histogram('messenger_handling_seconds', 'Time to handle a message.', $labels);
    }

    public function handle(Envelope $envelope, StackInterface $stack): Envelope
    {
        $received = $envelope->last(ReceivedStamp::class);
        if (!$received instanceof ReceivedStamp) { // it is being sent, not handled
            return $stack->next()->handle($envelope, $stack);
        }
        $labels = [$envelope->getMessage()::class, $received->getTransportName()];
        $next = fn (): Envelope => $stack->next()->handle($envelope, $stack);
        try {
            $timed = fn (): Envelope => $this->seconds->time($next, $labels);
            $handled = $this->inFlight->trackInProgress($timed, $labels);
            $this->handled->inc([...$labels, 'ok']);
            return $handled;
        } catch (\Throwable $failure) {
            $this->handled->inc([...$labels, 'failed']);
            throw $failure;
        }
    }
}
