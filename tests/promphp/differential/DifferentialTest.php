<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp\Differential;

use PHPUnit\Framework\TestCase;
use Prometheus\Storage\InMemory;
use Promshm\Storage\PromphpAdapter;

/**
 * The same random programs on PromPHP's own storage and on the adapter: each step must end alike, and the pages
 * must say the same. DIFFERENTIAL_SEED repeats from one seed on, DIFFERENTIAL_PROGRAMS says how many.
 */
final class DifferentialTest extends TestCase
{
    public function testRandomProgramsSayTheSameOnBothStorages(): void
    {
        $first = (int) (getenv('DIFFERENTIAL_SEED') ?: random_int(1, 1 << 30));
        $programs = (int) (getenv('DIFFERENTIAL_PROGRAMS') ?: 200);
        fwrite(STDERR, "differential: seeds $first to " . ($first + $programs - 1) . "\n");
        $updates = 0;
        for ($seed = $first; $seed < $first + $programs; $seed++) {
            [$theirs, $ours] = [new RandomProgram($seed), new RandomProgram($seed)];
            $adapter = new PromphpAdapter();
            $adapter->wipeStorage();
            [$page, $page2] = [$theirs->run(new InMemory()), $ours->run($adapter)];
            self::assertSame($theirs->ends, $ours->ends, "seed $seed");
            self::assertSame(self::normal($page), self::normal($page2), "seed $seed");
            $updates += count(preg_grep('/ ok$/', $ours->ends));
        }
        self::assertGreaterThan(10 * $programs, $updates, 'the programs hardly do anything');
    }

    /**
     * Sorted, because PromPHP sorts a histogram's series by the base64 of their labels, and a summary's not at all;
     * and with values as numbers of 14 digits, because PromPHP rounds them.
     *
     * @return list<string>
     */
    private static function normal(string $page): array
    {
        $lines = array_map(static function (string $line): string {
            [$name, $value] = [substr($line, 0, (int) strrpos($line, ' ')), substr((string) strrchr($line, ' '), 1)];
            return str_starts_with($line, '#') || !is_numeric($value)
                ? $line
                : sprintf('%s %.14G', $name, (float) $value);
        }, explode("\n", rtrim($page, "\n")));
        sort($lines, SORT_STRING);
        return $lines;
    }
}
