<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

use PHPUnit\Framework\TestCase;

/**
 * The table of metrics in docs/frameworks.md is made of the classes: PROMSHM_WRITE=1 writes it.
 */
final class DocumentTest extends TestCase
{
    private const DOCUMENT = __DIR__ . '/../../../docs/frameworks.md';
    private const NAMES = '/new (Counter|Gauge|Histogram)\(\s*\'(\w+)\'/';

    public function testTheTableListsEachMetricOfEachClass(): void
    {
        $table = "<!-- metrics -->\n| Metric | Type | Labels | What it is | By |\n|---|---|---|---|---|\n"
            . implode("\n", $this->rows()) . "\n<!-- /metrics -->";
        $document = (string) file_get_contents(self::DOCUMENT);
        $made = preg_replace_callback('/<!-- metrics -->.*?<!-- \/metrics -->/s', static fn (): string => $table, $document);
        if (getenv('PROMSHM_WRITE') === '1') {
            file_put_contents(self::DOCUMENT, $made);
        }
        self::assertSame($made, $document, 'PROMSHM_WRITE=1 make php writes the table');
        self::assertGreaterThan(10, substr_count($table, "\n"));
    }

    /**
     * @return list<string>
     */
    private function rows(): array
    {
        $rows = [];
        foreach (['Laravel', 'Monolog', 'Psr', 'Symfony'] as $part) {
            foreach (glob(__DIR__ . "/../../src/$part/*.php") ?: [] as $file) {
                $source = (string) file_get_contents($file);
                preg_match_all(self::NAMES, $source, $named, PREG_SET_ORDER);
                foreach ($named as [, $type, $name]) {
                    [$labels, $help] = self::arguments($source, $name);
                    $class = $part . '\\' . basename($file, '.php');
                    $rows[$name] ??= ["`$name`", strtolower($type), $labels, $help, []];
                    self::assertSame([strtolower($type), $labels, $help], array_slice($rows[$name], 1, 3), $name);
                    $rows[$name][4][] = "`$class`";
                }
            }
        }
        ksort($rows);
        $row = static fn (array $cells): string => '| ' . implode(' | ', [...array_slice($cells, 0, 4), implode(', ', $cells[4])]) . ' |';
        return array_values(array_map($row, $rows));
    }

    /**
     * Labels and help of a metric, from the source: `new Type('name', help, labels`, where help and labels may be
     * variables or constants.
     *
     * @return array{string, string}
     */
    private static function arguments(string $source, string $name): array
    {
        self::assertSame(1, preg_match("/new \\w+\\(\\s*'$name',\\s*('[^']*'|\\\$\\w+)(?:,\\s*(\\[[^\\]]*\\]|[\\\$\\w:]+))?/", $source, $found), $name);
        [$help, $labels] = [$found[1], $found[2] ?? ''];
        if ($help[0] === '$') {
            preg_match_all('/\\' . $help . " = ('[^']*');/", substr($source, 0, (int) strpos($source, "'$name'")), $helps);
            $help = (string) end($helps[1]);
        }
        $expand = static function (array $of) use ($source, $name): string {
            $before = substr($source, 0, (int) strpos($source, "'$name'"));
            $pattern = str_contains($of[0], '$') ? '/\\$' . $of[1] . ' = \[([^\]]*)\];/' : '/const ' . $of[1] . ' = \[([^\]]*)\];/';
            preg_match_all($pattern, str_contains($of[0], '$') ? $before : $source, $lists);
            return (string) end($lists[1]);
        };
        $labels = preg_replace_callback('/(?:\.\.\.)?(?:\$|self::)(\w+)/', $expand, trim($labels, '[]'));
        return [str_replace("'", '`', (string) $labels), trim($help, "'")];
    }
}
