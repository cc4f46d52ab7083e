<?php

declare(strict_types=1);

namespace Promshm\Monolog;

use Monolog\LogRecord;
use Promshm\Counter;

/**
 * Counts log records by channel and level: `$logger->pushProcessor(new RecordCounter())`, for Monolog 2 and 3.
 * Messages and contexts are no labels.
 *
 * A processor of the logger sees the records that any handler handles; one of a handler, those of that handler.
 *
 * @api
 */
final class RecordCounter
{
    private readonly Counter $records;

    public function __construct()
    {
        $this->records = new Counter('log_records_total', 'Records written to the log.', ['channel', 'level']);
    }

    /**
     * @template T of array<mixed>|LogRecord
     * @param T $record
     * @return T
     */
    public function __invoke(array|LogRecord $record): array|LogRecord
    {
        $this->records->inc([$record['channel'], strtolower($record['level_name'])]);
        return $record;
    }
}
