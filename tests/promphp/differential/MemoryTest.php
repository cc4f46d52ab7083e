<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp\Differential;

use PHPUnit\Framework\TestCase;

/**
 * A page of 10,000 histograms, made by PromPHP's renderer within PHP's default memory_limit.
 */
final class MemoryTest extends TestCase
{
    private const PROGRAM = <<<'PHP'
        $histogram = new Promshm\Histogram('h_seconds', '', ['component', 'state']);
        for ($i = 0; $i < 10_000; $i++) {
            $histogram->observe(0.3, ['component-' . $i % 100, 'state-' . intdiv($i, 100)]);
        }
        $registry = new Prometheus\CollectorRegistry(new Promshm\Storage\PromphpAdapter(), false);
        $page = (new Prometheus\RenderTextFormat())->render($registry->getMetricFamilySamples());
        echo substr_count($page, "\n"), ' lines';
        PHP;

    /** @group native */
    public function testAPageOfTenThousandHistogramsFitsIntoTheDefaultMemoryLimit(): void
    {
        $words = [
            PHP_BINARY, '-n', '-d', 'memory_limit=128M', '-d', 'extension=' . getenv('PROMSHM_EXTENSION'),
            '-d', 'promshm.segment=' . ini_get('promshm.segment'), '-d', 'promshm.runtime_metrics=0', '-d', 'promshm.max_series_per_metric=100%',
            '-r', 'Promshm\Segment::wipe(); require ' . var_export(__DIR__ . '/../bootstrap.php', true) . ';' . self::PROGRAM,
        ];
        $said = shell_exec(implode(' ', array_map(escapeshellarg(...), $words)) . ' 2>&1');
        self::assertSame('170002 lines', $said);
    }
}
