<?php

declare(strict_types=1);

namespace Promshm\Tests\Adapter;

use Prometheus\MetricFamilySamples;
use Prometheus\Sample;
use Prometheus\Storage\Adapter;
use Promshm\Storage\PromphpAdapter;
use Promshm\Tests\MetricsTestCase;

/**
 * Speaks to the adapter as PromPHP's metrics do.
 */
abstract class AdapterTestCase extends MetricsTestCase
{
    protected PromphpAdapter $adapter;

    protected function setUp(): void
    {
        $this->adapter = new PromphpAdapter();
        $this->adapter->wipeStorage();
    }

    /**
     * @param array<string, mixed> $with
     */
    protected function counter(mixed $value = 1, array $with = []): void
    {
        $command = is_float($value) ? Adapter::COMMAND_INCREMENT_FLOAT : Adapter::COMMAND_INCREMENT_INTEGER;
        $this->adapter->updateCounter($with + ['value' => $value, 'command' => $command] + self::metric('counter'));
    }

    /**
     * @param array<string, mixed> $with
     */
    protected function gauge(mixed $value, int $command = Adapter::COMMAND_SET, array $with = []): void
    {
        $this->adapter->updateGauge($with + ['value' => $value, 'command' => $command] + self::metric('gauge'));
    }

    /**
     * @param array<string, mixed> $with
     */
    protected function histogram(float $value, array $with = []): void
    {
        $shape = ['buckets' => [0.5, 1, 5]];
        $this->adapter->updateHistogram($with + ['value' => $value] + $shape + self::metric('histogram'));
    }

    /**
     * @param array<string, mixed> $with
     */
    protected function summary(float $value, array $with = []): void
    {
        $shape = ['maxAgeSeconds' => 60, 'quantiles' => [0.5, 0.9]];
        $this->adapter->updateSummary($with + ['value' => $value] + $shape + self::metric('summary'));
    }

    /**
     * @return array<string, mixed>
     */
    private static function metric(string $type): array
    {
        return [
            'name' => "app_$type",
            'help' => "A $type.",
            'type' => $type,
            'labelNames' => ['queue'],
            'labelValues' => ['mail'],
        ];
    }

    /**
     * What collect() returns, as arrays.
     *
     * @return list<array<mixed>>
     */
    protected function collected(): array
    {
        return array_map(static fn (MetricFamilySamples $family): array => [
            ...$family->data,
            'samples' => array_map(static fn (Sample $sample): array => [
                'name' => $sample->getName(),
                'labelNames' => $sample->getLabelNames(),
                'labelValues' => $sample->getLabelValues(),
                'value' => $sample->getValue(),
            ], $family->getSamples()),
        ], $this->adapter->collect());
    }

    /**
     * The samples of all families, one a line: name, label values, value.
     *
     * @return list<string>
     */
    protected function lines(): array
    {
        $lines = [];
        foreach ($this->collected() as $family) {
            foreach ($family['samples'] as $sample) {
                $lines[] = implode(' ', [$sample['name'], ...$sample['labelValues'], $sample['value']]);
            }
        }
        return $lines;
    }
}
