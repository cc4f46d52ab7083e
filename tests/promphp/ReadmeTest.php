<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp;

use PHPUnit\Framework\TestCase;
use Prometheus\CollectorRegistry;
use Prometheus\RenderTextFormat;
use Promshm\Segment;

/**
 * The example of php/README.md, with the real library.
 */
final class ReadmeTest extends TestCase
{
    public function testTheExampleCounts(): void
    {
        Segment::wipe();
        $readme = (string) file_get_contents(__DIR__ . '/../../php/README.md');
        self::assertSame(1, preg_match('/<!-- example:promphp -->\s*```php\n(.*?)```/s', $readme, $example));
        $registry = eval($example[1] . 'return $registry;');
        self::assertInstanceOf(CollectorRegistry::class, $registry);
        $page = (new RenderTextFormat())->render($registry->getMetricFamilySamples());
        self::assertStringContainsString("\napp_jobs_total{queue=\"mail\"} 1\n", $page);
        self::assertStringContainsString("# HELP app_jobs_total Jobs done.\n", Segment::render());
    }
}
