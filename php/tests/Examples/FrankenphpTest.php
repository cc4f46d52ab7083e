<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use Promshm\Tests\MetricsTestCase;

/**
 * A worker in a process of its own; tests/zts runs several as threads.
 */
final class FrankenphpTest extends MetricsTestCase
{
    public function testAWorkerCountsItsRequestsAndShowsThem(): void
    {
        $page = $this->serve('/a', '/fail', '/b?c=d', '/metrics');
        self::assertStringContainsString("http_requests_total{status=\"200\"} 2\n", $page);
        self::assertStringContainsString("http_requests_total{status=\"500\"} 1\n", $page);
        self::assertStringContainsString("http_requests_in_flight 1\n", $page);
        self::assertStringContainsString("http_request_seconds_count 3\n", $page);
    }

    public function testItEndsAfterTheMostRequests(): void
    {
        $page = $this->serve('/a', '/metrics', '/never', '/served');
        self::assertStringContainsString("http_requests_total{status=\"200\"} 1\n", $page);
    }

    /** What the last request was answered that the worker served; it serves four at most, or up to /metrics. */
    private function serve(string ...$paths): string
    {
        $most = array_search('/metrics', $paths, true) + 1;
        $code = '$paths = ' . var_export($paths, true) . "; \$_SERVER['MAX_REQUESTS'] = '$most';"
            . 'require ' . var_export(__DIR__ . '/frankenphp.php', true) . ';'
            . 'require ' . var_export(__DIR__ . '/../../../examples/frankenphp/worker.php', true) . ';'
            . "echo count(\$answers), ' ', end(\$answers);";
        $said = self::inAnotherProcess($code, ['error_log' => '/dev/null', 'log_errors' => '1']);
        self::assertStringStartsWith("$most ", $said);
        return $said;
    }
}
