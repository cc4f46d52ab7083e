<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\Counter;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Middleware\MiddlewareInterface;
use Symfony\Component\Messenger\Middleware\StackInterface;
use Symfony\Component\Messenger\Stamp\ReceivedStamp;

/**
 * Counts and times the messages that a worker handles, by their class. A message that is only sent is not counted; it may be
 * stamped with the time, which then tells how long it has waited.
 *
 * @api
 */
final class MessengerMiddleware implements MiddlewareInterface
{
    private readonly Counter $handled;
    private readonly Gauge $inFlight;
    private readonly Histogram $seconds;
    private readonly Histogram $wait;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(?array $buckets = null, private readonly bool $stamps = false)
    {
        $labels = ['message', 'transport'];
        $this->handled = new Counter('messenger_handled_total', 'Messages handled.', [...$labels, 'result']);
        $this->inFlight = new Gauge('messenger_in_flight', 'Messages being handled.', $labels, GaugeMode::Sum);
        $this->seconds = new Histogram('messenger_handling_seconds', 'Time to handle a message.', $labels, $buckets);
        $help = 'Time from dispatching a message to handling it.';
        $this->wait = new Histogram('messenger_wait_seconds', $help, $labels, $buckets);
    }

    public function handle(Envelope $envelope, StackInterface $stack): Envelope
    {
        $received = $envelope->last(ReceivedStamp::class);
        if (!$received instanceof ReceivedStamp) {
            return $stack->next()->handle($this->stamped($envelope), $stack);
        }
        $labels = [get_class($envelope->getMessage()), $received->getTransportName()];
        $sentAt = $envelope->last(SentAtStamp::class);
        if ($sentAt instanceof SentAtStamp) {
            $this->wait->observe(max(0, microtime(true) - $sentAt->time), $labels);
        }
        $next = static fn (): Envelope => $stack->next()->handle($envelope, $stack);
        $result = 'failed';
        try {
            $handled = $this->inFlight->trackInProgress(fn (): mixed => $this->seconds->time($next, $labels), $labels);
            $result = 'ok';
            return $handled;
        } finally {
            $this->handled->inc([...$labels, $result]);
        }
    }

    private function stamped(Envelope $envelope): Envelope
    {
        $isStamped = !$this->stamps || $envelope->last(SentAtStamp::class) !== null;
        return $isStamped ? $envelope : $envelope->with(new SentAtStamp(microtime(true)));
    }
}
