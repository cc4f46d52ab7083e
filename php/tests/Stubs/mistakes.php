<?php

declare(strict_types=1);

// What static analysers have to refuse, by ext/promshm.stub.php: nothing runs this. Each line names the
// error that it is, and one that is not found is an error itself.

namespace Promshm\Tests\Stubs;

use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\Gauge;
use Promshm\Histogram;
use Promshm\Segment;
use Promshm\Summary;
use Promshm\Timer;

function refused(): bool
{
    /** @psalm-suppress InvalidArgument */
    new Counter('a', 'A.', [1]); // @phpstan-ignore argument.type
    /** @psalm-suppress InvalidArgument */
    new Gauge('a', 'A.', [], 'sum'); // @phpstan-ignore argument.type
    /** @psalm-suppress InvalidArgument */
    new Histogram('a', 'A.', [], ['1']); // @phpstan-ignore argument.type
    /** @psalm-suppress InvalidArgument */
    new Summary('a', 'A.', [], 60, ['half']); // @phpstan-ignore argument.type
    /** @psalm-suppress InvalidArgument */
    (new Counter('a'))->inc([[]]); // @phpstan-ignore argument.type
    /** @psalm-suppress InvalidScalarArgument */
    (new Counter('a'))->incBy('2'); // @phpstan-ignore argument.type
    /** @psalm-suppress InvalidArgument */
    (new Counter('a'))->inc([], ['trace_id' => 1.5]); // @phpstan-ignore argument.type
    /** @psalm-suppress NullArgument */
    (new Counter('a'))->labels(null); // @phpstan-ignore argument.type
    /** @psalm-suppress UndefinedMethod */
    (new Counter('a'))->dec(); // @phpstan-ignore method.notFound
    /** @psalm-suppress ArgumentTypeCoercion */
    (new CollectorRegistry())->getOrRegisterCounter('a', 'b', 'C.', ['x' => 1]); // @phpstan-ignore argument.type
    /** @psalm-suppress InaccessibleMethod */
    new Timer(); // @phpstan-ignore new.privateConstructor
    /** @psalm-suppress InvalidArrayOffset */
    return Segment::status()['unknown'] !== null; // @phpstan-ignore offsetAccess.notFound
}
