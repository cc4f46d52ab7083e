<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Doctrine\DBAL\Driver\Connection;
use Doctrine\DBAL\Driver\Middleware\AbstractConnectionMiddleware;
use Doctrine\DBAL\Driver\Middleware\AbstractStatementMiddleware;
use Doctrine\DBAL\Driver\Result;
use Doctrine\DBAL\Driver\Statement;

/**
 * A connection whose queries are timed.
 *
 * @internal
 */
final class TimedConnection extends AbstractConnectionMiddleware
{
    public function __construct(Connection $connection, private readonly QueryTimes $times)
    {
        parent::__construct($connection);
    }

    public function prepare(string $sql): Statement
    {
        return new class (parent::prepare($sql), $sql, $this->times) extends AbstractStatementMiddleware {
            public function __construct(
                Statement $statement,
                private readonly string $sql,
                private readonly QueryTimes $times
            ) {
                parent::__construct($statement);
            }

            /**
             * @param array<mixed>|null $params
             */
            public function execute($params = null): Result
            {
                $arguments = $params === null ? [] : [$params]; // DBAL 4 has no such argument
                return $this->times->time($this->sql, fn (): Result => parent::execute(...$arguments));
            }
        };
    }

    public function query(string $sql): Result
    {
        return $this->times->time($sql, fn (): Result => parent::query($sql));
    }

    public function exec(string $sql): int
    {
        return (int) $this->times->time($sql, fn (): int|string => parent::exec($sql));
    }
}
