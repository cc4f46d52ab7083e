<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What CollectorRegistry offers, for constructors that name an interface, as PromPHP's users do. Tests cannot make
 * doubles of what it returns, because the metric classes are final: let them use a CollectorRegistry.
 */
interface RegistryInterface
{
    public function wipeStorage(): void;

    /** @return list<MetricFamilySamples> */
    public function getMetricFamilySamples(): array;

    /** @param list<string> $labels the labels' names */
    public function registerCounter(string $namespace, string $name, string $help, array $labels = []): Counter;

    /** @param list<string> $labels the labels' names */
    public function getOrRegisterCounter(string $namespace, string $name, string $help, array $labels = []): Counter;

    public function getCounter(string $namespace, string $name): Counter;

    /** @param list<string> $labels the labels' names */
    public function registerGauge(string $namespace, string $name, string $help, array $labels = []): Gauge;

    /** @param list<string> $labels the labels' names */
    public function getOrRegisterGauge(string $namespace, string $name, string $help, array $labels = []): Gauge;

    public function getGauge(string $namespace, string $name): Gauge;

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
    ): Histogram;

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
    ): Histogram;

    public function getHistogram(string $namespace, string $name): Histogram;

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
    ): Summary;

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
    ): Summary;

    public function getSummary(string $namespace, string $name): Summary;
}
