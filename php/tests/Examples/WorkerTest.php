<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use PHPUnit\Framework\Attributes\Group;
use Promshm\Segment;
use Promshm\Tests\MetricsTestCase;

/**
 * @group native
 */
#[Group('native')]
final class WorkerTest extends MetricsTestCase
{
    public function testItCountsAndEndsAtASignal(): void
    {
        $words = [
            PHP_BINARY, '-n', '-d', 'extension=' . getenv('PROMSHM_EXTENSION'),
            '-d', 'promshm.segment=' . ini_get('promshm.segment'),
            __DIR__ . '/../../../examples/worker/worker.php', __DIR__ . '/../bootstrap.php',
        ];
        $worker = proc_open($words, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
        self::assertIsResource($worker);
        self::await(static fn () => str_contains(self::samples(), 'status="failed"')
            || !proc_get_status($worker)['running']);
        proc_terminate($worker, SIGTERM);
        $said = stream_get_contents($pipes[1]);
        self::assertSame(0, proc_close($worker), (string) $said);
        self::assertSame('', $said);
        self::assertSame(['clean' => 1, 'fatal' => 0, 'abrupt' => 0], Segment::status()['worker_exits']);
        preg_match_all('/^(worker_jobs_total|worker_job_seconds_count)\{.*\} (\d+)$/m', self::samples(), $counts);
        self::assertCount(3, $counts[2]);
        [$timed, $failed, $ok] = array_map('intval', $counts[2]);
        self::assertSame($timed, $ok + $failed);
        self::assertSame(intdiv($timed, 10), $failed);
    }
}
