<?php

declare(strict_types=1);

// Uses all that ext/promshm.stub.php documents, for static analysers to compare the types, and for
// EveryClassTest to run: so that the types hold for the extension and for its stand-ins.

namespace Promshm\Tests\Stubs;

use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\Exception\ExceptionInterface;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Exception\MetricNotFoundException;
use Promshm\Exception\MetricsRegistrationException;
use Promshm\Exception\StorageException;
use Promshm\Gauge;
use Promshm\GaugeMode;
use Promshm\Histogram;
use Promshm\MetricFamilySamples;
use Promshm\NativeHistogram;
use Promshm\RegistryInterface;
use Promshm\RendererInterface;
use Promshm\RenderTextFormat;
use Promshm\Sample;
use Promshm\Segment;
use Promshm\Summary;

/**
 * @return list<string>
 */
function describe(Counter|Gauge|Histogram|NativeHistogram|Summary $metric): array
{
    if ($metric->getName() === 'forgotten' && $metric->removeMatching(['queue' => 'mail']) + $metric->clear() > 0) {
        return [];
    }
    return [$metric->getName(), $metric->getHelp(), $metric->getType(), ...$metric->getLabelNames()];
}

/**
 * @return list<string>
 */
function counter(\Stringable $text): array
{
    $jobs = new Counter('jobs_total', 'Jobs done.', ['queue', 'status']);
    $jobs->init(['mail', 200]);
    $jobs->inc(['mail', 200]);
    $jobs->inc(['queue' => $text, 'status' => null], ['trace_id' => 'abc', 'span' => 1]);
    $jobs->incBy(2, ['mail', true]);
    $jobs->incBy(0.5, ['mail', 1.5], exemplar: null);
    $bound = $jobs->labels('mail', 200);
    $bound->inc();
    $bound->inc(exemplar: ['trace_id' => 'abc']);
    return $jobs->remove(['mail', 200]) ? describe($jobs) : [];
}

/**
 * @return list<string>
 */
function gauge(): array
{
    $busy = new Gauge('jobs_in_flight', 'Jobs being worked on.', ['queue'], GaugeMode::Sum);
    $busy->set(3, ['mail']);
    $busy->set(0.5, ['queue' => 'mail']);
    $busy->inc(['mail']);
    $busy->incBy(2, ['mail']);
    $busy->incBy(-0.5, ['mail']);
    $busy->dec(['mail']);
    $busy->decBy(2, ['mail']);
    $busy->setToCurrentTime(['mail']);
    $busy->trackInProgress(static fn (): int => 1, ['mail']);
    $busy->labels('mail')->inc();
    $modes = array_map(static fn (GaugeMode $mode): string => $mode->value, GaugeMode::cases());
    $mode = GaugeMode::tryFrom($busy->getType()) ?? GaugeMode::from('all');
    return $busy->remove(['queue' => 'mail']) ? [...describe($busy), ...$modes, $mode->name] : [];
}

/**
 * @return list<float>
 */
function histogram(): array
{
    $buckets = [...Histogram::getDefaultBuckets(), ...Histogram::linearBuckets(20, 10, 3)];
    $time = new Histogram('job_seconds', 'Time a job takes.', ['queue'], $buckets);
    $time->init(['mail']);
    $time->observe(0.042, ['mail']);
    $time->observe(1, ['queue' => 'mail'], ['trace_id' => 'abc']);
    $timer = $time->startTimer(['mail']);
    $time->time(static fn (): string => 'page', ['mail']);
    $time->labels('mail')->observe(0.1);
    $seconds = $timer->observeDuration();
    new Histogram('page_bytes', '', [], [1, 10, 100.5]);
    return $time->remove(['mail']) ? [$seconds, ...Histogram::exponentialBuckets(0.1, 2, 5)] : [];
}

/**
 * @return list<string>
 */
function nativeHistogram(): array
{
    $time = new NativeHistogram('query_seconds', 'Time a query takes.', ['table'], 1.1, 1e-6, 100);
    $time->init(['jobs']);
    $time->observe(0.042, ['jobs']);
    $time->observe(1, ['table' => 'jobs'], ['trace_id' => 'abc']);
    $time->startTimer(['jobs'])->observeDuration();
    $time->time(static fn (): string => 'page', ['jobs']);
    $time->labels('jobs')->observe(0.1);
    new NativeHistogram('rows', bucketFactor: 2);
    return $time->remove(['jobs']) ? describe($time) : [];
}

/**
 * @return list<float>
 */
function summary(): array
{
    $time = new Summary('page_seconds', 'Time a page takes.', ['page'], 60, [0.5, 0.9]);
    $time->init(['start']);
    $time->observe(0.2, ['start']);
    $time->labels('start')->observe(1);
    describe($time);
    return $time->remove(['page' => 'start']) ? Summary::getDefaultQuantiles() : [];
}

/**
 * @return list<MetricFamilySamples>
 */
function registry(RegistryInterface $registry): array
{
    $registry->registerCounter('app', 'a_total', 'A.', ['x'])->inc(['1']);
    $registry->getOrRegisterCounter('app', 'a_total', 'A.', ['x'])->inc([2]);
    $registry->getCounter('app', 'a_total')->inc(['x' => 3]);
    $registry->registerGauge('app', 'b', 'B.')->set(1);
    $registry->getOrRegisterGauge('app', 'b', 'B.')->inc();
    $registry->getGauge('app', 'b')->dec();
    $registry->registerHistogram('app', 'c', 'C.', [], [1, 2.5])->observe(1);
    $registry->getOrRegisterHistogram('app', 'c', 'C.', [], null)->observe(2);
    $registry->registerNativeHistogram('app', 'e', 'E.', [], 1.2, 0.001, 60)->observe(1);
    $registry->getOrRegisterNativeHistogram('app', 'e', 'E.', [])->observe(2);
    $registry->getNativeHistogram('app', 'e')->observe(3);
    $registry->getHistogram('app', 'c')->observe(3);
    $registry->registerSummary('app', 'd', 'D.', [], 60, [0.5])->observe(1);
    $registry->getOrRegisterSummary('app', 'd', 'D.')->observe(2);
    $registry->getSummary('app', 'd')->observe(3);
    return $registry->getMetricFamilySamples();
}

function mistakes(CollectorRegistry $registry): int
{
    $caught = 0;
    $wrong = [
        static fn (): Counter => new Counter('no name'),
        static fn (): Gauge => $registry->getGauge('app', 'unknown'),
        static fn (): Counter => $registry->registerCounter('app', 'a_total', 'A.', ['x']),
    ];
    foreach ($wrong as $mistake) {
        try {
            $mistake();
        } catch (InvalidArgumentException | MetricNotFoundException | MetricsRegistrationException $mistake) {
            $caught += (int) str_contains($mistake->getMessage(), ' ');
        } catch (StorageException | ExceptionInterface) {
            return 0;
        }
    }
    return $caught;
}

/**
 * @return list<string>
 */
function lines(MetricFamilySamples $family): array
{
    $lines = [$family->getName(), $family->getType(), $family->getHelp(), ...$family->getLabelNames()];
    foreach ([...$family->getSamples(), ...$family->getWindowSamples()] as $sample) {
        $values = count($sample->getLabelValues());
        $more = $family->hasLabelNames() || $sample->hasLabelNames() ? implode($sample->getLabelNames()) : '';
        $lines[] = "{$sample->getName()} $values $more {$sample->getValue()}";
    }
    return $lines;
}

function page(CollectorRegistry $registry, RendererInterface $format): string
{
    $sample = ['name' => 'm', 'labelNames' => [], 'labelValues' => ['mail'], 'value' => 1.5];
    $data = ['name' => 'm', 'type' => 'gauge', 'help' => '', 'labelNames' => ['queue'], 'samples' => [$sample]];
    $families = [new MetricFamilySamples($data), ...$registry->getMetricFamilySamples(sortMetrics: true)];
    $first = (new RenderTextFormat())->render($families, silent: true);
    return RenderTextFormat::MIME_TYPE . (new Sample($sample))->getValue() . $first . $format->render($families);
}

function segment(): string
{
    $status = Segment::status();
    $dropped = array_sum($status['dropped']) + $status['unstored_updates'];
    $exits = $status['worker_exits']['abrupt'] + $status['hidden_series'];
    $text = sprintf('%d %d %s %s', $dropped, $exits, $status['liveness'], $status['error'] ?? $status['segment']);
    return $text . Segment::render();
}

/**
 * @return list<string> what was seen, never empty strings alone
 */
function use_every_class(): array
{
    Segment::wipe();
    Segment::compact();
    $registry = new CollectorRegistry(null, false, ['app' => 'shop', 'zone' => 1]);
    $seen = [...counter(new \Exception('mail')), ...gauge(), ...nativeHistogram()];
    $seen[] = implode(' ', [...histogram(), ...summary()]);
    foreach (registry($registry) as $family) {
        $seen = [...$seen, ...lines($family)];
    }
    $seen = [...$seen, mistakes($registry) . ' mistakes', page($registry, new RenderTextFormat()), segment()];
    CollectorRegistry::getDefault()->wipeStorage();
    return $seen;
}
