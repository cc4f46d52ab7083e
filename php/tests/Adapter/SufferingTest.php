<?php

declare(strict_types=1);

namespace Promshm\Tests\Adapter;

use PHPUnit\Framework\Attributes\Group;
use Prometheus\Storage\Adapter;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Segment;
use Promshm\Storage\PromphpAdapter;
use Promshm\Tests\Metrics\Level;
use Promshm\Tests\Metrics\Queue;

/**
 * What users of PromPHP's storages suffer, and what happens here: one test for each row of the table in
 * php/README.md.
 */
final class SufferingTest extends AdapterTestCase
{
    /** Code that counts in another process; %s is the label's name. */
    private const COUNT = <<<'PHP'
        (new Promshm\Storage\PromphpAdapter())->updateCounter([
            'name' => 'app_counter', 'help' => '', 'type' => 'counter', 'labelNames' => ['%s'],
            'labelValues' => ['x'], 'value' => 1, 'command' => 1,
        ]);
        PHP;

    /** @group native */
    #[Group('native')]
    public function testAnUnusableStorageStopsNothing(): void
    {
        $key = intval(substr((string) ini_get('promshm.segment'), strlen('sysv:')), 0) + 1;
        $code = "shmop_open($key, 'n', 0644, 4096);" . sprintf(self::COUNT, 'a')
            . 'echo json_encode((new Promshm\Storage\PromphpAdapter())->collect()), " goes on";';
        $settings = ['promshm.segment' => "sysv:$key", 'display_errors' => '0', 'log_errors' => '0'];
        $said = self::inAnotherProcess($code, $settings, ['shmop']);
        exec("ipcrm -M $key");
        self::assertSame('[] goes on', $said);
    }

    /** @group native */
    #[Group('native')]
    public function testAStoppedProcessBlocksNobody(): void
    {
        $this->counter(1);
        [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $pid = pcntl_fork();
        if ($pid === 0) {
            for ($n = 1; true; $n++) {
                $this->counter(1, ['labelValues' => [random_int(0, 500)]]);
                if ($n === 100) {
                    fwrite($theirs, 'x'); // it is in the midst of counting, and goes on
                }
            }
        }
        try {
            fread($ours, 1);
            posix_kill($pid, SIGSTOP);
            $this->counter(1);
            $lines = $this->lines();
        } finally {
            posix_kill($pid, SIGKILL);
            pcntl_waitpid($pid, $status);
        }
        self::assertContains('app_counter mail 2', $lines);
    }

    /** @group native */
    #[Group('native')]
    public function testUnrelatedProcessesShareTheirMetrics(): void
    {
        self::assertSame('', self::inAnotherProcess(sprintf(self::COUNT, 'queue')));
        self::assertSame('', self::inAnotherProcess(sprintf(self::COUNT, 'queue')));
        self::assertSame(['app_counter x 2'], $this->lines());
    }

    /** @group fallback */
    #[Group('fallback')]
    public function testACommandWithoutTheExtensionGoesOn(): void
    {
        self::assertSame('done', self::inAnotherProcess(sprintf(self::COUNT, 'queue') . 'echo "done";'));
    }

    /** @group native */
    #[Group('native')]
    public function testChangedLabelsStartAfreshAndTheScrapeGoesOn(): void
    {
        self::inAnotherProcess(sprintf(self::COUNT, 'old'));
        self::inAnotherProcess(sprintf(self::COUNT, 'new'));
        $families = $this->collected();
        self::assertCount(1, $families);
        self::assertSame(['new'], $families[0]['labelNames']);
        self::assertSame(['app_counter x 1'], $this->lines());
    }

    public function testOneSeriesIsRemoved(): void
    {
        $this->counter(5);
        $this->counter(1, ['labelValues' => ['video']]);
        self::assertTrue($this->adapter->remove('app_counter', ['queue' => 'mail']));
        self::assertFalse($this->adapter->remove('app_counter', ['mail']));
        self::assertFalse($this->adapter->remove('app_unknown', ['mail']));
        self::assertSame(['app_counter video 1'], $this->lines());
        $this->counter(1);
        self::assertContains('app_counter mail 1', $this->lines());
    }

    public function testSeriesAreRemovedBySomeLabelsOrAll(): void
    {
        $this->counter(5);
        $this->counter(1, ['labelValues' => ['video']]);
        $this->counter(1, ['labelValues' => [1.5]]);
        self::assertSame(1, $this->adapter->removeMatching('app_counter', ['queue' => 'mail']));
        self::assertSame(1, $this->adapter->removeMatching('app_counter', ['queue' => 1.5]));
        self::assertSame(0, $this->adapter->removeMatching('app_unknown', ['queue' => 'mail']));
        self::assertSame(['app_counter video 1'], $this->lines());
        self::assertSame([1, 0], [$this->adapter->clear('app_counter'), $this->adapter->clear('app_unknown')]);
        self::assertSame([], $this->lines());
    }

    public function testAnAdapterRemovesWhatOthersHaveCounted(): void
    {
        $this->counter(5);
        $this->gauge(1);
        $this->histogram(1);
        foreach (['app_counter', 'app_gauge', 'app_histogram'] as $name) {
            self::assertTrue((new PromphpAdapter())->remove($name, ['mail']), $name);
        }
        self::assertSame([], $this->lines());
    }

    /** @group native */
    #[Group('native')]
    public function testAWipeLeavesOtherApplicationsAlone(): void
    {
        $other = substr((string) ini_get('promshm.segment'), 0, -1) . 'f';
        $settings = ['promshm.segment' => $other];
        self::inAnotherProcess(sprintf(self::COUNT, 'queue'), $settings);
        $this->counter(1);
        $this->adapter->wipeStorage();
        $page = self::inAnotherProcess('echo Promshm\Segment::render(); Promshm\Segment::wipe();', $settings);
        self::assertStringContainsString('app_counter{queue="x"} 1', $page);
        self::assertSame([], $this->lines());
    }

    public function testLabelsMayBeNumbers(): void
    {
        $this->counter(1, ['labelValues' => [200]]);
        $this->counter(1, ['labelValues' => ['200']]);
        $this->counter(1, ['labelValues' => [0.5]]);
        self::assertSame(['app_counter 0.5 1', 'app_counter 200 2'], $this->lines());
    }

    public function testLabelsMayBeEnums(): void
    {
        $this->counter(1, ['labelValues' => [Queue::Mail]]);
        $this->counter(1, ['labelValues' => [Level::High]]);
        self::assertSame(['app_counter 3 1', 'app_counter e-mail 1'], $this->lines());
    }

    public function testACounterIsThereBeforeItsFirstEvent(): void
    {
        new Counter('plain_total', 'Without labels.');
        (new Counter('mails_total', 'With a label.', ['queue']))->init(['news']);
        $page = Segment::render();
        self::assertStringContainsString("plain_total 0\n", $page);
        self::assertStringContainsString("mails_total{queue=\"news\"} 0\n", $page);
    }

    /** @group native */
    #[Group('native')]
    public function testGaugesAddUpAndThoseOfTheDeadAreGone(): void
    {
        $this->adapter = new PromphpAdapter(gauges: ['app_gauge' => 'sum']);
        $this->gauge(2);
        [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0) ?: [];
        $pid = pcntl_fork();
        if ($pid === 0) {
            $this->gauge(5);
            fwrite($theirs, 'x');
            sleep(60);
            posix_kill(getmypid(), SIGKILL);
        }
        fread($ours, 1);
        $both = $this->lines();
        posix_kill($pid, SIGKILL);
        pcntl_waitpid($pid, $status);
        self::assertSame([['app_gauge mail 7'], ['app_gauge mail 2']], [$both, $this->lines()]);
    }

    /** @group native */
    #[Group('native')]
    public function testThousandsOfHistogramsFitThePagesMemory(): void
    {
        $code = <<<'PHP'
            $adapter = new Promshm\Storage\PromphpAdapter();
            for ($n = 0; $n < 10000; $n++) {
                $adapter->updateHistogram([
                    'name' => 'app_h' . intdiv($n, 1000), 'help' => '', 'type' => 'histogram', 'labelNames' => ['n'],
                    'labelValues' => [$n], 'value' => 1, 'buckets' => [.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10],
                ]);
            }
            echo array_sum(array_map(fn ($family) => count($family->getSamples()), $adapter->collect()));
            PHP;
        $key = intval(substr((string) ini_get('promshm.segment'), strlen('sysv:')), 0) + 2;
        $settings = ['promshm.segment' => "sysv:$key", 'promshm.max_series' => '20000', 'memory_limit' => '128M'];
        $said = self::inAnotherProcess($code . 'Promshm\Segment::wipe();', $settings);
        exec("ipcrm -M $key -S $key 2>&1");
        self::assertSame((string) (10000 * 17), $said);
    }

    public function testPrecisionRoundsNothing(): void
    {
        $precision = ini_set('precision', '3');
        $this->gauge(0.123456789012345);
        $this->histogram(1234567.25);
        $lines = $this->lines();
        ini_set('precision', (string) $precision);
        self::assertContains('app_gauge mail 0.123456789012345', $lines);
        self::assertContains('app_histogram_sum mail 1234567.25', $lines);
    }

    public function testHelpTextsAreEscaped(): void
    {
        $this->counter(1, ['name' => 'app_helped', 'help' => "First\nsecond \\ end"]);
        self::assertSame('First\\nsecond \\\\ end', $this->collected()[0]['help']);
    }

    public function testACounterOnlyGrows(): void
    {
        $this->counter(2);
        self::assertThrows(InvalidArgumentException::class, fn () => $this->counter(-1), 'app_counter');
        self::assertThrows(InvalidArgumentException::class, fn () => $this->counter(-0.5), 'app_counter');
        self::assertThrows(\InvalidArgumentException::class, fn () => $this->counter(NAN), 'app_counter');
        self::assertSame(['app_counter mail 2'], $this->lines());
    }

    public function testALabelCannotStandTwice(): void
    {
        $twice = ['labelNames' => ['queue', 'queue'], 'labelValues' => ['a', 'b']];
        self::assertThrows(InvalidArgumentException::class, fn () => $this->counter(1, $twice), 'queue');
        self::assertSame([], $this->lines());
    }

    public function testKeyedLabelsGoByName(): void
    {
        $names = ['labelNames' => ['method', 'code']];
        $this->counter(1, $names + ['labelValues' => ['code' => 200, 'method' => 'GET']]);
        $this->counter(1, $names + ['labelValues' => ['GET', 200]]);
        self::assertSame(['app_counter GET 200 2'], $this->lines());
        $this->counter(1, $names + ['labelValues' => ['verb' => 'GET', 'status' => 200]]);
        $this->counter(1, $names + ['labelValues' => [3 => 'GET', 7 => 200]]);
        self::assertSame(['app_counter GET 200 4'], $this->lines());
    }

    public function testAnyBytesMayBeALabelAndTheScrapeGoesOn(): void
    {
        $this->counter(1, ['labelValues' => ["caf\xe9"]]);
        self::assertSame(["app_counter caf\u{FFFD} 1"], $this->lines());
    }

    public function testASecondTypeOrShapeIsLoggedOnceAndDropped(): void
    {
        $log = (string) tempnam(sys_get_temp_dir(), 'promshm');
        $before = [ini_set('error_log', $log), ini_set('log_errors', '1')];
        $this->counter(1);
        for ($i = 0; $i < 3; $i++) {
            $this->gauge(7, Adapter::COMMAND_SET, ['name' => 'app_counter']);
            $this->counter(1, ['labelNames' => ['a', 'b'], 'labelValues' => ['x', 'y']]);
        }
        $this->counter(1);
        ini_set('error_log', (string) $before[0]);
        ini_set('log_errors', (string) $before[1]);
        $said = (string) file_get_contents($log);
        unlink($log);
        self::assertSame(['app_counter mail 2'], $this->lines());
        self::assertSame(1, substr_count($said, 'app_counter are dropped'));
        self::assertStringContainsString('cannot be a gauge', $said);
        self::assertStringContainsString('use one definition', $said);
    }

    public function testOneMetricLeavesRoomForOthers(): void
    {
        for ($n = 0; $n < 1005; $n++) {
            $this->counter(1, ['labelValues' => [$n]]);
        }
        $this->counter(1, ['name' => 'app_others', 'labelValues' => ['mail']]);
        self::assertContains('app_counter other 5', $this->lines());
        self::assertContains('app_others mail 1', $this->lines());
    }

    public function testMoreSeriesThanFitAreDroppedAndCounted(): void
    {
        for ($n = 0; $n < 10005; $n++) {
            $this->counter(1, ['name' => 'app_' . intdiv($n, 1000), 'labelValues' => [$n]]); // no metric has all
        }
        self::assertCount(10000, $this->lines());
        self::assertSame(5, Segment::status()['dropped']['series_limit']);
    }

    public function testASummarysTotalsOnlyGrowOnThePage(): void
    {
        $shape = ['maxAgeSeconds' => 1];
        $this->summary(100, $shape);
        self::await(fn () => $this->lines() === []);
        $this->summary(1, $shape);
        self::assertStringContainsString("app_summary_count{queue=\"mail\"} 2\n", Segment::render());
        self::assertStringContainsString("app_summary_sum{queue=\"mail\"} 101\n", Segment::render());
        $asPromphp = ['app_summary mail 0.5 1', 'app_summary mail 0.9 1'];
        self::assertSame([...$asPromphp, 'app_summary_count mail 1', 'app_summary_sum mail 1'], $this->lines());
        $this->adapter = new PromphpAdapter(cumulativeSummaries: true);
        self::assertSame([...$asPromphp, 'app_summary_count mail 2', 'app_summary_sum mail 101'], $this->lines());
    }
}
