<?php

declare(strict_types=1);

namespace Promshm\Tests;

use PHPUnit\Framework\TestCase;
use Promshm\Segment;

/**
 * Begins each test with an empty storage, and reads back what it has stored.
 *
 * Tests in the group `native` need the extension, those in the group `fallback` its absence; all others
 * run with both, so the two cannot drift apart.
 */
abstract class MetricsTestCase extends TestCase
{
    protected function setUp(): void
    {
        Segment::wipe();
    }

    /** The page without HELP and TYPE. */
    protected static function samples(): string
    {
        return (string) preg_replace('/^#.*\n/m', '', Segment::render());
    }

    /** The samples must be these lines. */
    protected static function assertSamples(string ...$lines): void
    {
        self::assertSame(implode('', array_map(static fn ($line) => "$line\n", $lines)), self::samples());
    }

    /**
     * The call must throw that class, with a message that mentions all these.
     *
     * @param class-string<\Throwable> $class
     */
    protected static function assertThrows(string $class, callable $call, string ...$mentions): void
    {
        try {
            $call();
        } catch (\Throwable $thrown) {
            self::assertInstanceOf($class, $thrown);
            foreach ($mentions as $mention) {
                self::assertStringContainsString($mention, $thrown->getMessage());
            }
            return;
        }
        self::fail("nothing was thrown, where $class was expected");
    }

    /** Looks until it holds; a minute is a watchdog's, no measure. */
    protected static function await(callable $holds): void
    {
        $deadline = hrtime(true) + 60e9;
        while (!$holds()) {
            self::assertLessThan($deadline, hrtime(true), 'waited for a minute in vain');
            usleep(5000);
        }
    }

    /**
     * Runs code in another PHP process, with this one's extension, segment and class loading.
     *
     * @param array<string, string> $settings
     * @param list<string> $modules further ones
     * @return string what it printed
     */
    protected static function inAnotherProcess(string $code, array $settings = [], array $modules = []): string
    {
        $command = [PHP_BINARY, '-n'];
        if (extension_loaded('promshm')) {
            $modules[] = (string) getenv('PROMSHM_EXTENSION');
            $segment = (string) ini_get('promshm.segment');
            $settings += ['promshm.segment' => $segment, 'promshm.runtime_metrics' => '0'];
        }
        foreach ($modules as $module) {
            array_push($command, '-d', "extension=$module");
        }
        foreach ($settings as $name => $value) {
            array_push($command, '-d', "$name=$value");
        }
        $prelude = 'require ' . var_export(__DIR__ . '/bootstrap.php', true) . ';';
        array_push($command, '-r', $prelude . $code);
        return (string) shell_exec(implode(' ', array_map(escapeshellarg(...), $command)) . ' 2>&1');
    }
}
