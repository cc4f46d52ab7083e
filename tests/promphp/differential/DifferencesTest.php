<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp\Differential;

use PHPUnit\Framework\TestCase;
use Prometheus\CollectorRegistry;
use Prometheus\RenderTextFormat;
use Prometheus\Storage\Adapter;
use Prometheus\Storage\InMemory;
use Promshm\Storage\PromphpAdapter;

/**
 * The differences from PromPHP's storage in memory that php/README.md lists: each is there, and no greater.
 */
final class DifferencesTest extends TestCase
{
    /**
     * @dataProvider differences
     */
    public function testADifferenceIsAsTheTableSays(callable $program, string $theirs, string $ours): void
    {
        $adapter = new PromphpAdapter();
        $adapter->wipeStorage();
        self::assertSame($theirs, self::outcome($program, new InMemory()));
        $outcome = self::outcome($program, $adapter);
        str_starts_with($ours, '/')
            ? self::assertMatchesRegularExpression($ours, $outcome)
            : self::assertSame($ours, $outcome);
    }

    /**
     * @return array<string, array{callable, string, string}>
     */
    public function differences(): array
    {
        return require __DIR__ . '/differences.php';
    }

    private static function outcome(callable $program, Adapter $storage): string
    {
        $registry = new CollectorRegistry($storage, false);
        $lines = [];
        set_error_handler(static fn (): bool => true, E_WARNING); // "Array to string conversion" is InMemory's
        try {
            try {
                $program($registry);
            } finally {
                $page = (new RenderTextFormat())->render($registry->getMetricFamilySamples());
            }
        } catch (\Throwable $thrown) {
            $lines = ['throws ' . str_replace('Fallback\\', '', get_class($thrown))];
        } finally {
            restore_error_handler();
        }
        $samples = preg_grep('/^(#.*)?$/', explode("\n", $page ?? ''), PREG_GREP_INVERT);
        sort($samples, SORT_STRING);
        return implode("\n", [...$lines, ...$samples]);
    }
}
