<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Exception\MetricNotFoundException;
use Promshm\Exception\MetricsRegistrationException;
use Promshm\Histogram;
use Promshm\MetricFamilySamples;
use Promshm\RegistryInterface;
use Promshm\RendererInterface;
use Promshm\RenderTextFormat;
use Promshm\Sample;
use Promshm\Segment;
use Promshm\Summary;
use Promshm\Tests\MetricsTestCase;

final class RegistryTest extends MetricsTestCase
{
    public function testItHandsOutTheSameMetricByItsNames(): void
    {
        $registry = new CollectorRegistry(new \stdClass(), false);
        $counter = $registry->registerCounter('app', 'jobs_total', 'Jobs.', ['queue']);
        $counter->inc(['mail']);
        $registry->getOrRegisterCounter('app', 'jobs_total', 'other', ['other'])->inc(['mail']);
        self::assertSame($counter, $registry->getCounter('app', 'jobs_total'));
        $gauge = $registry->registerGauge('', 'temperature', '');
        $gauge->set(17.5);
        self::assertSame($gauge, $registry->getGauge('', 'temperature'));
        self::assertSame($gauge, $registry->getOrRegisterGauge('', 'temperature', ''));
        $histogram = $registry->registerHistogram('app', 'seconds', '', [], [1]);
        $histogram->observe(0.5);
        self::assertSame($histogram, $registry->getHistogram('app', 'seconds'));
        self::assertSame($histogram, $registry->getOrRegisterHistogram('app', 'seconds', ''));
        self::assertSamples(
            'app_jobs_total{queue="mail"} 2',
            'app_seconds_bucket{le="1.0"} 1',
            'app_seconds_bucket{le="+Inf"} 1',
            'app_seconds_sum 0.5',
            'app_seconds_count 1',
            'temperature 17.5'
        );
    }

    public function testPositionsBelongToTheNamesOfTheCall(): void
    {
        $registry = new CollectorRegistry(registerDefaultMetrics: false);
        $orders = [[['queue', 'status'], ['mail', 'ok']], [['status', 'queue'], ['ok', 'mail']]];
        foreach ([...$orders, ...$orders] as [$names, $values]) {
            $registry->getOrRegisterCounter('', 'jobs_total', '', $names)->inc($values);
            $registry->getOrRegisterGauge('', 'size', '', $names)->inc($values);
            $registry->getOrRegisterHistogram('', 'seconds', '', $names, [1])->observe(2, $values);
            $registry->getOrRegisterSummary('', 'bytes', '', $names, 600, [0.5])->observe(2, $values);
        }
        $first = $registry->getCounter('', 'jobs_total');
        $other = $registry->getOrRegisterCounter('', 'jobs_total', '', ['status', 'queue']);
        self::assertSame(['queue', 'status'], $first->getLabelNames());
        self::assertSame(['status', 'queue'], $other->getLabelNames());
        self::assertSame($other, $registry->getOrRegisterCounter('', 'jobs_total', '', ['status', 'queue']));
        self::assertSame($first, $registry->getOrRegisterCounter('', 'jobs_total', ''));
        self::assertSame($first, $registry->getOrRegisterCounter('', 'jobs_total', '', ['queue', 'queue']));
        $twice = fn () => $registry->registerCounter('', 'jobs_total', '', ['status', 'queue']);
        self::assertThrows(MetricsRegistrationException::class, $twice, 'already registered');
        self::assertSamples(
            'bytes{queue="mail",status="ok",quantile="0.5"} 2',
            'bytes_sum{queue="mail",status="ok"} 8',
            'bytes_count{queue="mail",status="ok"} 4',
            'jobs_total{queue="mail",status="ok"} 4',
            'seconds_bucket{queue="mail",status="ok",le="1.0"} 0',
            'seconds_bucket{queue="mail",status="ok",le="+Inf"} 4',
            'seconds_sum{queue="mail",status="ok"} 8',
            'seconds_count{queue="mail",status="ok"} 4',
            'size{queue="mail",status="ok"} 4'
        );
    }

    public function testItIsWhatAServiceAsksFor(): void
    {
        $page = static fn (RegistryInterface $registry, RendererInterface $renderer): string
            => $renderer->render($registry->getMetricFamilySamples());
        $registry = new CollectorRegistry(null, false);
        $registry->getOrRegisterCounter('app', 'jobs_total', 'Jobs.')->inc();
        self::assertStringContainsString("\napp_jobs_total 1\n", $page($registry, new RenderTextFormat()));
        $mock = $this->createMock(RegistryInterface::class);
        $mock->method('getMetricFamilySamples')->willReturn([]);
        self::assertSame('', $page($mock, new RenderTextFormat()));
    }

    public function testWhatItRefuses(): void
    {
        $registry = new CollectorRegistry(registerDefaultMetrics: false);
        $registry->registerCounter('app', 'jobs_total', '', ['queue']);
        $twice = fn () => $registry->registerCounter('app', 'jobs_total', '');
        self::assertThrows(MetricsRegistrationException::class, $twice, 'Counter app_jobs_total is already registered');
        $other = fn () => $registry->getOrRegisterGauge('app', 'jobs_total', '');
        self::assertThrows(MetricsRegistrationException::class, $other, 'already defined as a counter');
        $registry->registerHistogram('app', 'job_seconds', '', [], [0.5, 2]);
        $buckets = fn () => new Histogram('app_job_seconds', '', [], [1, 2, 3]);
        self::assertThrows(MetricsRegistrationException::class, $buckets, 'and buckets (0.5, 2),', 'and buckets (1, 2, 3) as');
        $registry->registerSummary('app', 'job_bytes', '', [], 600, [0.5]);
        $age = fn () => new Summary('app_job_bytes', '', [], 60, [0.5]);
        self::assertThrows(MetricsRegistrationException::class, $age, 'maxAgeSeconds 600 and quantiles (0.5),', 'maxAgeSeconds 60 and');
        $long = fn () => new Counter('long_total', '', [str_repeat('l', 1025)]);
        self::assertThrows(InvalidArgumentException::class, $long, 'A label\'s name is longer than 1024 bytes');
        $unknown = fn () => $registry->getGauge('app', 'jobs_total');
        self::assertThrows(MetricNotFoundException::class, $unknown, 'Gauge app_jobs_total is not known');
        $name = fn () => $registry->registerCounter('app', 'not a name', '');
        self::assertThrows(InvalidArgumentException::class, $name, 'app_not a name');
        self::assertThrows(\Error::class, fn () => clone $registry);
    }

    public function testTheDefaultRegistryTellsThePhpVersion(): void
    {
        self::assertSame(CollectorRegistry::getDefault(), CollectorRegistry::getDefault());
        new CollectorRegistry();
        self::assertSamples('php_info{version="' . PHP_VERSION . '"} 1');
    }

    public function testConstantLabelsDoNotSplitPhpInfo(): void
    {
        new CollectorRegistry();
        $registry = new CollectorRegistry(constantLabels: ['app' => 'shop', 'version' => 7]);
        self::assertSame(['version'], $registry->getGauge('', 'php_info')->getLabelNames());
        self::assertSamples('php_info{version="' . PHP_VERSION . '"} 1');
    }

    public function testConstantLabels(): void
    {
        $shop = new CollectorRegistry(null, false, ['app' => 'shop', 'zone' => 7]);
        $blog = new CollectorRegistry(null, false, ['app' => 'blog', 'zone' => 7]);
        foreach ([$shop, $blog] as $registry) {
            $jobs = $registry->getOrRegisterCounter('', 'jobs_total', '', ['queue']);
            $jobs->inc(['mail']);
            $jobs->labels('video')->inc();
        }
        self::assertSame(['queue'], $jobs->getLabelNames());
        self::assertTrue($jobs->remove(['video']));
        self::assertSamples(
            'jobs_total{queue="mail",app="blog",zone="7"} 1',
            'jobs_total{queue="mail",app="shop",zone="7"} 1',
            'jobs_total{queue="video",app="shop",zone="7"} 1'
        );
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => $jobs->inc(['mail', 'shop', 7]), 'needs 1 label value (queue)');
        self::assertThrows($class, fn () => $shop->getOrRegisterCounter('', 'clash', '', ['app']), 'app', 'twice');
        self::assertThrows($class, fn () => new CollectorRegistry(constantLabels: ['list']), 'keyed by');
        self::assertThrows($class, fn () => new CollectorRegistry(constantLabels: ['le' => 1]), 'le');
        $plain = fn () => new Counter('jobs_total', '', ['queue']);
        self::assertThrows(MetricsRegistrationException::class, $plain, 'app');
    }

    public function testSamplesAndTheirPage(): void
    {
        $registry = new CollectorRegistry(null, false);
        $labels = ['queue', 'class'];
        $counter = $registry->getOrRegisterCounter('app', 'jobs_total', "Jobs \\ \n done.", $labels);
        $counter->incBy(1234567.5, ['a"b', "x\ny"]);
        $registry->getOrRegisterHistogram('app', 'seconds', '', [], [1])->observe(2);
        [$jobs, $seconds] = $registry->getMetricFamilySamples();
        self::assertSame(['app_jobs_total', 'counter'], [$jobs->getName(), $jobs->getType()]);
        self::assertSame(["Jobs \\ \n done.", $labels], [$jobs->getHelp(), $jobs->getLabelNames()]);
        self::assertTrue($jobs->hasLabelNames());
        self::assertSame(['a"b', "x\ny"], $jobs->getSamples()[0]->getLabelValues());
        self::assertSame('1234567.5', $jobs->getSamples()[0]->getValue());
        $names = array_map(static fn (Sample $sample): string => $sample->getName(), $seconds->getSamples());
        self::assertSame(['app_seconds_bucket', 'app_seconds_bucket', 'app_seconds_count', 'app_seconds_sum'], $names);
        self::assertSame([['le'], ['1.0']], [
            $seconds->getSamples()[0]->getLabelNames(),
            $seconds->getSamples()[0]->getLabelValues(),
        ]);
        $page = (new RenderTextFormat())->render([$seconds, $jobs]);
        self::assertEqualsCanonicalizing(explode("\n", Segment::render()), explode("\n", $page));
    }

    public function testFamiliesOfAProgramsOwn(): void
    {
        $family = ['name' => 'own', 'type' => 'gauge', 'help' => 'Own.', 'labelNames' => ['a']];
        $sample = ['name' => 'own', 'labelNames' => [], 'labelValues' => [1], 'value' => 0.1];
        $render = new RenderTextFormat();
        $page = "# HELP own Own.\n# TYPE own gauge\nown{a=\"1\"} 0.1\n";
        self::assertSame($page, $render->render([new MetricFamilySamples($family + ['samples' => [$sample]])]));
        $bad = new MetricFamilySamples($family + ['samples' => [['labelValues' => []] + $sample]]);
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => $render->render([$bad]), 'own has 1 label names, but 0 label values');
        self::assertStringContainsString('# Error: own has 1 label names', $render->render([$bad], true));
        self::assertThrows($class, fn () => $render->render(['no family']), 'MetricFamilySamples');
        self::assertThrows($class, fn () => new Sample(['name' => 'x']), 'must be');
        self::assertThrows($class, fn () => new MetricFamilySamples([]), 'must be');
        $noSample = $family + ['samples' => ['no array']];
        self::assertThrows($class, fn () => new MetricFamilySamples($noSample), 'samples', 'array');
    }
}
