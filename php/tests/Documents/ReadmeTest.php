<?php

declare(strict_types=1);

namespace Promshm\Tests\Documents;

use Promshm\Tests\Adapter\SufferingTest;
use Promshm\Tests\MetricsTestCase;

/**
 * What php/README.md promises.
 */
final class ReadmeTest extends MetricsTestCase
{
    public function testEachRowOfTheTableIsATestAndEachTestARow(): void
    {
        $found = preg_match('/<!-- suffering -->(.*?)<!-- \/suffering -->/s', self::readme(), $table);
        self::assertSame(1, $found);
        $named = [];
        foreach (array_slice(explode("\n", trim($table[1])), 2) as $row) {
            $last = (string) strrchr(rtrim($row, '| '), '|');
            self::assertGreaterThan(0, preg_match_all('/`(\w+)`/', $last, $names), $row);
            array_push($named, ...$names[1]);
        }
        $tests = preg_replace('/^test/', '', preg_grep('/^test/', get_class_methods(SufferingTest::class)));
        self::assertEqualsCanonicalizing(array_values($tests), $named);
    }

    /** What users of other storages complain of in public, by words that the first column of one row has. */
    private const COMPLAINTS = [
        'outage of the storage', 'holds locks', 'do not share APCu', 'APCu is off or missing', 'deploy that changes labels',
        'cannot be removed', 'wipe takes other', 'integers crash', 'Enums', 'missing until its first event', 'dead workers',
        'exhaust `memory_limit`', '`precision`', 'help text', 'negative amounts', 'may stand twice', 'by position', 'no UTF-8',
        'One name as two types', 'forgets metrics silently', 'too many values', '`_count` goes down',
    ];

    public function testEachComplaintHasARow(): void
    {
        $found = preg_match('/<!-- suffering -->(.*?)<!-- \/suffering -->/s', self::readme(), $table);
        self::assertSame(1, $found);
        preg_match_all('/^\| ([^|]+) \|/m', $table[1], $rows);
        $suffered = array_slice($rows[1], 1);
        foreach (self::COMPLAINTS as $complaint) {
            $about = array_filter($suffered, static fn (string $row): bool => str_contains($row, $complaint));
            self::assertCount(1, $about, "$complaint needs a row of the table");
        }
        self::assertCount(count(self::COMPLAINTS), $suffered, 'a row is about something that is not in the list');
    }

    public function testEachDifferenceFromPromphpIsACaseOfTheDifferentialTestAndEachCaseARow(): void
    {
        $found = preg_match('/<!-- differences -->(.*?)<!-- \/differences -->/s', self::readme(), $table);
        self::assertSame(1, $found);
        preg_match_all('/^\| `(.+?)` \|/m', $table[1], $cases);
        $differences = require __DIR__ . '/../../../tests/promphp/differential/differences.php';
        self::assertSame(array_keys($differences), $cases[1]);
    }

    public function testTheFallbacksExampleRuns(): void
    {
        self::assertSame(1, preg_match('/<!-- example:fallback -->\s*```php\n(.*?)```/s', self::readme(), $example));
        $page = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 1\n";
        self::assertSame($page, self::inAnotherProcess($example[1]));
    }

    private static function readme(): string
    {
        return (string) file_get_contents(__DIR__ . '/../../README.md');
    }
}
