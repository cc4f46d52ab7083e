<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Doctrine\DBAL\Driver;
use Doctrine\DBAL\Driver\Connection;
use Doctrine\DBAL\Driver\Middleware;
use Doctrine\DBAL\Driver\Middleware\AbstractDriverMiddleware;
use Promshm\Histogram;

/**
 * Counts and times the queries of Doctrine's DBAL by their first word. Their text is no label.
 *
 * @api
 */
final class DoctrineMiddleware implements Middleware
{
    private readonly QueryTimes $times;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(?array $buckets = null)
    {
        $help = 'Time that the database takes for a query.';
        $this->times = new QueryTimes(new Histogram('db_query_seconds', $help, ['operation', 'result'], $buckets));
    }

    public function wrap(Driver $driver): Driver
    {
        return new class ($driver, $this->times) extends AbstractDriverMiddleware {
            public function __construct(Driver $driver, private readonly QueryTimes $times)
            {
                parent::__construct($driver);
            }

            /**
             * @param array<string, mixed> $params
             */
            public function connect(#[\SensitiveParameter] array $params): Connection
            {
                return new TimedConnection(parent::connect($params), $this->times);
            }
        };
    }
}
