<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Symfony\Component\Messenger\Stamp\StampInterface;

/**
 * When a message was dispatched, in seconds since 1970.
 *
 * All programs that receive the message need this class, so it is added only if the configuration says `sent_at: true`.
 *
 * @api
 */
final class SentAtStamp implements StampInterface
{
    public function __construct(public readonly float $time)
    {
    }
}
