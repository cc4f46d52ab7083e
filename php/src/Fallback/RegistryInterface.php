<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What CollectorRegistry offers, for constructors that name an interface, as PromPHP's users do. It returns
 * interfaces, so that a test's double of it can return doubles.
 */
interface RegistryInterface
{
    public function wipeStorage(): void;

    /** @return list<MetricFamilySamples> */
    public function getMetricFamilySamples(): array;

    /** @param list<string> $labels the labels' names */
    public function registerCounter(string $namespace, string $name, string $help, array $labels = []): CounterInterface;

    /** @param list<string> $labels the labels' names */
    public function getOrRegisterCounter(string $namespace, string $name, string $help, array $labels = []): CounterInterface;

    public function getCounter(string $namespace, string $name): CounterInterface;

    /** @param list<string> $labels the labels' names */
    public function registerGauge(string $namespace, string $name, string $help, array $labels = []): GaugeInterface;

    /** @param list<string> $labels the labels' names */
    public function getOrRegisterGauge(string $namespace, string $name, string $help, array $labels = []): GaugeInterface;

    public function getGauge(string $namespace, string $name): GaugeInterface;

    /**
     * @param list<string> $labels the labels' names
     * @param list<int|float>|null $buckets as for Histogram
     */
    public function registerHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        ?array $buckets = null
    ): HistogramInterface;

    /**
     * @param list<string> $labels the labels' names
     * @param list<int|float>|null $buckets as for Histogram
     */
    public function getOrRegisterHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        ?array $buckets = null
    ): HistogramInterface;

    public function getHistogram(string $namespace, string $name): HistogramInterface;

    /**
     * @param list<string> $labels the labels' names
     */
    public function registerNativeHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        float $bucketFactor = 1.1,
        float $min = 1e-6,
        float $max = 65536
    ): NativeHistogramInterface;

    /**
     * @param list<string> $labels the labels' names
     */
    public function getOrRegisterNativeHistogram(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        float $bucketFactor = 1.1,
        float $min = 1e-6,
        float $max = 65536
    ): NativeHistogramInterface;

    public function getNativeHistogram(string $namespace, string $name): NativeHistogramInterface;

    /**
     * @param list<string> $labels the labels' names
     * @param list<int|float>|null $quantiles as for Summary
     */
    public function registerSummary(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        int $maxAgeSeconds = 600,
        ?array $quantiles = null
    ): SummaryInterface;

    /**
     * @param list<string> $labels the labels' names
     * @param list<int|float>|null $quantiles as for Summary
     */
    public function getOrRegisterSummary(
        string $namespace,
        string $name,
        string $help,
        array $labels = [],
        int $maxAgeSeconds = 600,
        ?array $quantiles = null
    ): SummaryInterface;

    public function getSummary(string $namespace, string $name): SummaryInterface;
}
