<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\HistogramInterface;

/**
 * Times queries.
 *
 * @internal
 */
final class QueryTimes
{
    private const OPERATIONS = ['select', 'insert', 'update', 'delete', 'replace', 'merge', 'create', 'alter', 'drop',
        'truncate', 'begin', 'start', 'commit', 'rollback', 'savepoint', 'release', 'set', 'show', 'with'];

    public function __construct(private readonly HistogramInterface $seconds)
    {
    }

    /**
     * @template T
     * @param callable(): T $query
     * @return T
     */
    public function time(string $sql, callable $query): mixed
    {
        $start = hrtime(true);
        $result = 'failed';
        try {
            $returned = $query();
            $result = 'ok';
            return $returned;
        } finally {
            $this->seconds->observe((hrtime(true) - $start) / 1e9, [self::operation($sql), $result]);
        }
    }

    private static function operation(string $sql): string
    {
        $word = strtolower(substr($sql, $start = strspn($sql, " \t\r\n("), strcspn($sql, " \t\r\n(;", $start)));
        return in_array($word, self::OPERATIONS, true) ? $word : 'other';
    }
}
