<?php

/**
 * The PHP API of the extension promshm.
 *
 * This file is for people, editors and static analysers; PHP never loads it.
 * php-tests/stub.phpt compares it with the loaded extension, in both directions.
 *
 * Every metric lives in shared memory. A series of a counter, histogram or
 * summary is there, with zeros, as soon as the program names it: constructs a
 * metric without labels, binds labels, or calls init(). A gauge is there once
 * it is set. Mistakes in the program throw; trouble with the storage never does.
 */

namespace Promshm {

    /**
     * What Counter offers, for constructors that name an interface and tests that put a double in its place.
     */
    interface CounterInterface
    {
        /**
         * Adds one.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @param array<string, string|int>|null $exemplar labels of this one update, such as `['trace_id' => 'abc']`,
         *        at most 128 characters in all; shown in OpenMetrics with the latest of each series.
         *        One that is not allowed is dropped and counted, and the update stands
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function inc(array $labels = [], ?array $exemplar = null): void;

        /**
         * Adds a number that is not negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for inc()
         * @param array<string, string|int>|null $exemplar as for inc()
         * @throws Exception\InvalidArgumentException if $value is negative or NAN, or the labels do not fit
         */
        public function incBy(int|float $value, array $labels = [], ?array $exemplar = null): void;

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for inc()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void;

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to count.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): CounterInterface;

        /**
         * Takes one series away. A later update starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for inc()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool;

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int;

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int;

        public function getName(): string;

        public function getHelp(): string;

        /** @return list<string> */
        public function getLabelNames(): array;

        /** @return string always `counter` */
        public function getType(): string;
    }

    /**
     * A number that only grows: requests served, jobs done, bytes sent.
     */
    final class Counter implements CounterInterface
    {
        /**
         * Makes a handle on the counter, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `__*`
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = []) {}

        /**
         * Adds one.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @param array<string, string|int>|null $exemplar labels of this one update, such as `['trace_id' => 'abc']`,
         *        at most 128 characters in all; shown in OpenMetrics with the latest of each series.
         *        One that is not allowed is dropped and counted, and the update stands
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function inc(array $labels = [], ?array $exemplar = null): void {}

        /**
         * Adds a number that is not negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for inc()
         * @param array<string, string|int>|null $exemplar as for inc()
         * @throws Exception\InvalidArgumentException if $value is negative or NAN, or the labels do not fit
         */
        public function incBy(int|float $value, array $labels = [], ?array $exemplar = null): void {}

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for inc()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void {}

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to count.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): Counter {}

        /**
         * Takes one series away. A later update starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for inc()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int {}

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int {}

        public function getName(): string {}

        public function getHelp(): string {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        /** @return string always `counter` */
        public function getType(): string {}
    }

    /**
     * What Gauge offers, for constructors that name an interface and tests that put a double in its place.
     */
    interface GaugeInterface
    {
        /**
         * Sets the value.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function set(float $value, array $labels = []): void;

        /**
         * Adds one.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function inc(array $labels = []): void;

        /**
         * Adds a number, which may be negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function incBy(int|float $value, array $labels = []): void;

        /**
         * Takes one away.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function dec(array $labels = []): void;

        /**
         * Takes a number away, which may be negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function decBy(int|float $value, array $labels = []): void;

        /**
         * Sets the value to the current Unix time in seconds, with its fraction.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function setToCurrentTime(array $labels = []): void;

        /**
         * Adds one, calls the function, and takes the one away again, also when the function throws.
         *
         * With GaugeMode::Sum a worker that is killed meanwhile leaves nothing behind.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @return mixed what the function returns
         * @throws Exception\InvalidArgumentException if the labels do not fit; the function is not called then
         */
        public function trackInProgress(callable $fn, array $labels = []): mixed;

        /**
         * Binds label values: the handle returned takes no labels any more and is the fastest way to set.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): GaugeInterface;

        /**
         * Takes one series away. A later update starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool;

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int;

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int;

        public function getName(): string;

        public function getHelp(): string;

        /** @return list<string> */
        public function getLabelNames(): array;

        /** @return string always `gauge` */
        public function getType(): string;
    }

    /**
     * A number that goes up and down: queue length, memory in use, jobs in flight.
     */
    final class Gauge implements GaugeInterface
    {
        /**
         * Makes a handle on the gauge, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `__*`,
         *        and not `pid` with GaugeMode::All
         * @param GaugeMode $mode how the values of several processes become one
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = [], GaugeMode $mode = GaugeMode::Last) {}

        /**
         * Sets the value.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function set(float $value, array $labels = []): void {}

        /**
         * Adds one.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function inc(array $labels = []): void {}

        /**
         * Adds a number, which may be negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function incBy(int|float $value, array $labels = []): void {}

        /**
         * Takes one away.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function dec(array $labels = []): void {}

        /**
         * Takes a number away, which may be negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function decBy(int|float $value, array $labels = []): void {}

        /**
         * Sets the value to the current Unix time in seconds, with its fraction.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function setToCurrentTime(array $labels = []): void {}

        /**
         * Adds one, calls the function, and takes the one away again, also when the function throws.
         *
         * With GaugeMode::Sum a worker that is killed meanwhile leaves nothing behind.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @return mixed what the function returns
         * @throws Exception\InvalidArgumentException if the labels do not fit; the function is not called then
         */
        public function trackInProgress(callable $fn, array $labels = []): mixed {}

        /**
         * Binds label values: the handle returned takes no labels any more and is the fastest way to set.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): Gauge {}

        /**
         * Takes one series away. A later update starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for set()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int {}

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int {}

        public function getName(): string {}

        public function getHelp(): string {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        /** @return string always `gauge` */
        public function getType(): string {}
    }

    /**
     * What Timer offers, for constructors that name an interface and tests that put a double in its place.
     */
    interface TimerInterface
    {
        /**
         * Observes the time since the start.
         *
         * Only the first call observes; later ones return the same duration.
         *
         * @return float seconds
         */
        public function observeDuration(): float;
    }

    /**
     * A duration that is being measured, by a clock that nobody sets. Histogram::startTimer() makes it.
     */
    final class Timer implements TimerInterface
    {
        private function __construct() {}

        /**
         * Observes the time since the start.
         *
         * Only the first call observes; later ones return the same duration.
         *
         * @return float seconds
         */
        public function observeDuration(): float {}
    }

    /**
     * What Histogram offers, for constructors that name an interface and tests that put a double in its place.
     */
    interface HistogramInterface
    {
        /**
         * Counts one observation in its bucket and adds it to the sum.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @param array<string, string|int>|null $exemplar labels of this one observation, such as
         *        `['trace_id' => 'abc']`, at most 128 characters in all; shown in OpenMetrics with the latest of
         *        each bucket. One that is not allowed is dropped and counted, and the observation stands
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function observe(float $value, array $labels = [], ?array $exemplar = null): void;

        /**
         * Starts a timer for the series. Nothing is counted until it is observed.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function startTimer(array $labels = []): TimerInterface;

        /**
         * Calls the function and observes how many seconds it took, also when it throws.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return mixed what the function returns
         * @throws Exception\InvalidArgumentException if the labels do not fit; the function is not called then
         */
        public function time(callable $fn, array $labels = []): mixed;

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void;

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to observe.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): HistogramInterface;

        /**
         * Takes one series away. A later observation starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool;

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int;

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int;

        public function getName(): string;

        public function getHelp(): string;

        /** @return list<string> */
        public function getLabelNames(): array;

        /** @return string always `histogram` */
        public function getType(): string;
    }

    /**
     * Observations counted in buckets: durations, sizes.
     */
    final class Histogram implements HistogramInterface
    {
        /**
         * Makes a handle on the histogram, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `le` or `__*`
         * @param list<int|float>|null $buckets increasing upper bounds; `+Inf` is added by itself;
         *        null for getDefaultBuckets()
         * @throws Exception\InvalidArgumentException if a name is not allowed, or the buckets do not increase
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = [], ?array $buckets = null) {}

        /**
         * Counts one observation in its bucket and adds it to the sum.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @param array<string, string|int>|null $exemplar labels of this one observation, such as
         *        `['trace_id' => 'abc']`, at most 128 characters in all; shown in OpenMetrics with the latest of
         *        each bucket. One that is not allowed is dropped and counted, and the observation stands
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function observe(float $value, array $labels = [], ?array $exemplar = null): void {}

        /**
         * Starts a timer for the series. Nothing is counted until it is observed.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function startTimer(array $labels = []): Timer {}

        /**
         * Calls the function and observes how many seconds it took, also when it throws.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return mixed what the function returns
         * @throws Exception\InvalidArgumentException if the labels do not fit; the function is not called then
         */
        public function time(callable $fn, array $labels = []): mixed {}

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void {}

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to observe.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): Histogram {}

        /**
         * Takes one series away. A later observation starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int {}

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int {}

        public function getName(): string {}

        public function getHelp(): string {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        /** @return string always `histogram` */
        public function getType(): string {}

        /** @return list<float> 5 ms to 10 s, for durations in seconds */
        public static function getDefaultBuckets(): array {}

        /**
         * Bounds that grow by a factor: start, start × factor, start × factor², …
         *
         * @param float $start above 0
         * @param float $growthFactor above 1
         * @param int $numberOfBuckets at least 1
         * @return list<float>
         * @throws Exception\InvalidArgumentException if an argument is out of its range
         */
        public static function exponentialBuckets(float $start, float $growthFactor, int $numberOfBuckets): array {}

        /**
         * Bounds that grow by a step: start, start + width, start + 2 × width, …
         *
         * @param float $width above 0
         * @param int $numberOfBuckets at least 1
         * @return list<float>
         * @throws Exception\InvalidArgumentException if an argument is out of its range
         */
        public static function linearBuckets(float $start, float $width, int $numberOfBuckets): array {}
    }

    /**
     * What NativeHistogram offers, for constructors that name an interface and tests that put a double in its place.
     */
    interface NativeHistogramInterface
    {
        /**
         * Counts one observation in its bucket and adds it to the sum.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @param array<string, string|int>|null $exemplar labels of this one observation, such as
         *        `['trace_id' => 'abc']`, at most 128 characters in all; shown in OpenMetrics with the latest of
         *        each bucket. One that is not allowed is dropped and counted, and the observation stands
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function observe(float $value, array $labels = [], ?array $exemplar = null): void;

        /**
         * Starts a timer for the series. Nothing is counted until it is observed.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function startTimer(array $labels = []): TimerInterface;

        /**
         * Calls the function and observes how many seconds it took, also when it throws.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return mixed what the function returns
         * @throws Exception\InvalidArgumentException if the labels do not fit; the function is not called then
         */
        public function time(callable $fn, array $labels = []): mixed;

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void;

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to observe.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): NativeHistogramInterface;

        /**
         * Takes one series away. A later observation starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool;

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int;

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int;

        public function getName(): string;

        public function getHelp(): string;

        /** @return list<string> */
        public function getLabelNames(): array;

        /** @return string always `histogram` */
        public function getType(): string;
    }

    /**
     * Observations counted in Prometheus's exponential buckets: quantiles within a few per cent, from one series.
     *
     * Each bucket is at most $bucketFactor times as wide as the one before, from the last power of two below $min to the
     * first one above $max. What is nearer to zero is in the zero bucket; larger and negative numbers are counted, too.
     * Scrapers that ask for text get a classic histogram with the powers of two as buckets.
     */
    final class NativeHistogram implements NativeHistogramInterface
    {
        /**
         * Makes a handle on the histogram, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `le` or `__*`
         * @param float $bucketFactor above 1; at most that many times as wide as the one before is a bucket
         * @param float $min the smallest number to tell apart from zero, above 0
         * @param float $max the largest number to tell apart from larger ones, above $min
         * @throws Exception\InvalidArgumentException if a name is not allowed, or there are more buckets from $min to
         *         $max than a series has room for
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = [], float $bucketFactor = 1.1, float $min = 1e-6, float $max = 65536) {}

        /**
         * Counts one observation in its bucket and adds it to the sum.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @param array<string, string|int>|null $exemplar labels of this one observation, such as
         *        `['trace_id' => 'abc']`, at most 128 characters in all; shown in OpenMetrics with the latest of
         *        each bucket. One that is not allowed is dropped and counted, and the observation stands
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function observe(float $value, array $labels = [], ?array $exemplar = null): void {}

        /**
         * Starts a timer for the series. Nothing is counted until it is observed.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function startTimer(array $labels = []): Timer {}

        /**
         * Calls the function and observes how many seconds it took, also when it throws.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return mixed what the function returns
         * @throws Exception\InvalidArgumentException if the labels do not fit; the function is not called then
         */
        public function time(callable $fn, array $labels = []): mixed {}

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void {}

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to observe.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): NativeHistogram {}

        /**
         * Takes one series away. A later observation starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int {}

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int {}

        public function getName(): string {}

        public function getHelp(): string {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        /** @return string always `histogram` */
        public function getType(): string {}
    }

    /**
     * What Summary offers, for constructors that name an interface and tests that put a double in its place.
     */
    interface SummaryInterface
    {
        /**
         * Counts one observation, adds it to the sum and keeps it for the quantiles.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function observe(float $value, array $labels = []): void;

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void;

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to observe.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): SummaryInterface;

        /**
         * Takes one series away. A later observation starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool;

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int;

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int;

        public function getName(): string;

        public function getHelp(): string;

        /** @return list<string> */
        public function getLabelNames(): array;

        /** @return string always `summary` */
        public function getType(): string;
    }

    /**
     * Observations of which the recent ones are kept, for quantiles: durations, sizes.
     *
     * Quantiles are exact, by nearest rank, over what all processes observed within the window, those that
     * died included; NaN if that was nothing. Each process keeps as many samples of a series as
     * promshm.summary_samples says. Quantiles cannot be added up over machines: there, take a Histogram.
     */
    final class Summary implements SummaryInterface
    {
        /**
         * Makes a handle on the summary, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `quantile` or `__*`
         * @param int $maxAgeSeconds how long an observation counts for quantiles, at least 1
         * @param list<int|float>|null $quantiles increasing, between 0 and 1; null for getDefaultQuantiles()
         * @throws Exception\InvalidArgumentException if a name, the window or a quantile is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = [], int $maxAgeSeconds = 600, ?array $quantiles = null) {}

        /**
         * Counts one observation, adds it to the sum and keeps it for the quantiles.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
         *        values in the order of the names, or keyed by name in any order
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function observe(float $value, array $labels = []): void {}

        /**
         * Publishes a series with zeros before its first event, which `rate()` would not see otherwise: for loops
         * over known values, such as the cases of an enum. What was counted already stays.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function init(array $labels = []): void {}

        /**
         * Binds label values, and publishes the series with zeros where it is new: the handle returned takes no
         * labels any more and is the fastest way to observe.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): Summary {}

        /**
         * Takes one series away. A later observation starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels as for observe()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

        /**
         * Takes all series away that have these label values, whatever their other labels are. A later update starts
         * each of them afresh from zero. Series that other processes make meanwhile may stay.
         *
         * @param non-empty-array<string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels keyed by name
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if there is no such label, no label is given, or the handle is bound
         */
        public function removeMatching(array $labels): int {}

        /**
         * Takes all series of the metric away. A later update starts each of them afresh from zero.
         *
         * @return int how many series there were
         * @throws Exception\InvalidArgumentException if the handle is bound
         */
        public function clear(): int {}

        public function getName(): string {}

        public function getHelp(): string {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        /** @return string always `summary` */
        public function getType(): string {}

        /** @return list<float> 0.01, 0.05, 0.5, 0.95, 0.99 */
        public static function getDefaultQuantiles(): array {}
    }

    /**
     * On a function or method: its calls are counted and timed, if the setting promshm.observe lists
     * `#[Promshm\Observe]`. The arguments are read while the code is compiled, so they are literals.
     */
    #[\Attribute(\Attribute::TARGET_FUNCTION | \Attribute::TARGET_METHOD)]
    final class Observe
    {
        /**
         * @param string|null $name the beginning of the names of metrics of its own; null: php_function
         * @param array<string, string> $labels sources by label: arg1, arg2[key], arg1.property, this, class(arg1), function
         * @param list<float|int> $buckets upper bounds in seconds; empty: those of promshm.observe_buckets
         */
        public function __construct(?string $name = null, array $labels = [], array $buckets = []) {}
    }

    /**
     * How the values that several processes set on one gauge become one number.
     */
    enum GaugeMode: string
    {
        /** One value that all processes set and add to; the last write wins. */
        case Last = 'last';
        /** The sum over the living processes: an in-flight gauge forgets a crashed worker by itself. */
        case Sum = 'sum';
        /** The smallest value of a living process. */
        case Min = 'min';
        /** The largest value of a living process. */
        case Max = 'max';
        /** A series for each living process, told apart by the label `pid`. */
        case All = 'all';
    }

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
        public function registerHistogram(string $namespace, string $name, string $help, array $labels = [], ?array $buckets = null): HistogramInterface;

        /**
         * @param list<string> $labels the labels' names
         * @param list<int|float>|null $buckets as for Histogram
         */
        public function getOrRegisterHistogram(string $namespace, string $name, string $help, array $labels = [], ?array $buckets = null): HistogramInterface;

        public function getHistogram(string $namespace, string $name): HistogramInterface;

        /**
         * @param list<string> $labels the labels' names
         * @param float $bucketFactor as for NativeHistogram, as the others
         */
        public function registerNativeHistogram(string $namespace, string $name, string $help, array $labels = [], float $bucketFactor = 1.1, float $min = 1e-6, float $max = 65536): NativeHistogramInterface;

        /**
         * @param list<string> $labels the labels' names
         * @param float $bucketFactor as for NativeHistogram, as the others
         */
        public function getOrRegisterNativeHistogram(string $namespace, string $name, string $help, array $labels = [], float $bucketFactor = 1.1, float $min = 1e-6, float $max = 65536): NativeHistogramInterface;

        public function getNativeHistogram(string $namespace, string $name): NativeHistogramInterface;

        /**
         * @param list<string> $labels the labels' names
         * @param list<int|float>|null $quantiles as for Summary
         */
        public function registerSummary(string $namespace, string $name, string $help, array $labels = [], int $maxAgeSeconds = 600, ?array $quantiles = null): SummaryInterface;

        /**
         * @param list<string> $labels the labels' names
         * @param list<int|float>|null $quantiles as for Summary
         */
        public function getOrRegisterSummary(string $namespace, string $name, string $help, array $labels = [], int $maxAgeSeconds = 600, ?array $quantiles = null): SummaryInterface;

        public function getSummary(string $namespace, string $name): SummaryInterface;
    }

    /**
     * Metrics by namespace and name, with the methods of PromPHP's registry: a service that uses that
     * library moves by changing its `use` lines.
     *
     * It remembers what it has handed out; the numbers live in the segment, which all processes share.
     */
    class CollectorRegistry implements RegistryInterface
    {
        /**
         * @param mixed $storage taken so that PromPHP's calls fit, and not used: there is one storage, the segment
         * @param bool $registerDefaultMetrics publishes the gauge `php_info` with the label `version` alone: it is one
         *        metric for all registries, so their constant labels do not apply
         * @param array<string, string|int|float|bool|\Stringable|\UnitEnum> $constantLabels
         *        labels that all metrics of this registry get, names and values
         * @throws Exception\InvalidArgumentException if a constant label's name is not allowed
         */
        public function __construct(mixed $storage = null, bool $registerDefaultMetrics = true, array $constantLabels = []) {}

        /** The registry of this request, made at the first call. */
        public static function getDefault(): CollectorRegistry {}

        /**
         * What all processes have counted.
         *
         * @param bool $sortMetrics without effect: they are always sorted
         * @return list<MetricFamilySamples>
         */
        public function getMetricFamilySamples(bool $sortMetrics = true): array {}

        /** Takes all metrics of all processes away. Live handles keep working, from zero. */
        public function wipeStorage(): void {}

        /**
         * Makes a counter; its name is the namespace, `_` and the name, or the name alone.
         *
         * @param list<string> $labels the labels' names
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if it is registered already, or defined differently
         */
        public function registerCounter(string $namespace, string $name, string $help, array $labels = []): Counter {}

        /**
         * The counter that is registered under these names, whatever else is passed; else a new one.
         *
         * @param list<string> $labels the labels' names
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function getOrRegisterCounter(string $namespace, string $name, string $help, array $labels = []): Counter {}

        /** @throws Exception\MetricNotFoundException if this registry has none under these names */
        public function getCounter(string $namespace, string $name): Counter {}

        /**
         * Makes a gauge; its name is the namespace, `_` and the name, or the name alone.
         *
         * @param list<string> $labels the labels' names
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if it is registered already, or defined differently
         */
        public function registerGauge(string $namespace, string $name, string $help, array $labels = []): Gauge {}

        /**
         * The gauge that is registered under these names, whatever else is passed; else a new one.
         *
         * @param list<string> $labels the labels' names
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function getOrRegisterGauge(string $namespace, string $name, string $help, array $labels = []): Gauge {}

        /** @throws Exception\MetricNotFoundException if this registry has none under these names */
        public function getGauge(string $namespace, string $name): Gauge {}

        /**
         * Makes a histogram; its name is the namespace, `_` and the name, or the name alone.
         *
         * @param list<string> $labels the labels' names
         * @param list<int|float>|null $buckets as for Histogram
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if it is registered already, or defined differently
         */
        public function registerHistogram(string $namespace, string $name, string $help, array $labels = [], ?array $buckets = null): Histogram {}

        /**
         * The histogram that is registered under these names, whatever else is passed; else a new one.
         *
         * @param list<string> $labels the labels' names
         * @param list<int|float>|null $buckets as for Histogram
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function getOrRegisterHistogram(string $namespace, string $name, string $help, array $labels = [], ?array $buckets = null): Histogram {}

        /** @throws Exception\MetricNotFoundException if this registry has none under these names */
        public function getHistogram(string $namespace, string $name): Histogram {}

        /**
         * Makes a native histogram; its name is the namespace, `_` and the name, or the name alone.
         *
         * @param list<string> $labels the labels' names
         * @param float $bucketFactor as for NativeHistogram, as the others
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if it is registered already, or defined differently
         */
        public function registerNativeHistogram(string $namespace, string $name, string $help, array $labels = [], float $bucketFactor = 1.1, float $min = 1e-6, float $max = 65536): NativeHistogram {}

        /**
         * The native histogram that is registered under these names, whatever else is passed; else a new one.
         *
         * @param list<string> $labels the labels' names
         * @param float $bucketFactor as for NativeHistogram, as the others
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function getOrRegisterNativeHistogram(string $namespace, string $name, string $help, array $labels = [], float $bucketFactor = 1.1, float $min = 1e-6, float $max = 65536): NativeHistogram {}

        /** @throws Exception\MetricNotFoundException if this registry has none under these names */
        public function getNativeHistogram(string $namespace, string $name): NativeHistogram {}

        /**
         * Makes a summary; its name is the namespace, `_` and the name, or the name alone.
         *
         * @param list<string> $labels the labels' names
         * @param list<int|float>|null $quantiles as for Summary
         * @throws Exception\InvalidArgumentException if a name, the window or a quantile is not allowed
         * @throws Exception\MetricsRegistrationException if it is registered already, or defined differently
         */
        public function registerSummary(string $namespace, string $name, string $help, array $labels = [], int $maxAgeSeconds = 600, ?array $quantiles = null): Summary {}

        /**
         * The summary that is registered under these names, whatever else is passed; else a new one.
         *
         * @param list<string> $labels the labels' names
         * @param list<int|float>|null $quantiles as for Summary
         * @throws Exception\InvalidArgumentException if a name, the window or a quantile is not allowed
         * @throws Exception\MetricsRegistrationException if this request has defined the name differently
         */
        public function getOrRegisterSummary(string $namespace, string $name, string $help, array $labels = [], int $maxAgeSeconds = 600, ?array $quantiles = null): Summary {}

        /** @throws Exception\MetricNotFoundException if this registry has none under these names */
        public function getSummary(string $namespace, string $name): Summary {}
    }

    /**
     * A metric and its samples, as CollectorRegistry::getMetricFamilySamples() returns them.
     */
    class MetricFamilySamples
    {
        /**
         * @param array{name: string, type: string, help: string, labelNames: list<string>,
         *        samples?: list<array{name: string, labelNames: list<string>, labelValues: list<mixed>, value: mixed}>} $data
         * @throws Exception\InvalidArgumentException if something is missing
         */
        public function __construct(array $data) {}

        public function getName(): string {}

        /** @return string `counter`, `gauge`, `histogram` or `summary` */
        public function getType(): string {}

        public function getHelp(): string {}

        /** @return list<Sample> */
        public function getSamples(): array {}

        /**
         * A summary's samples with the count and sum of its window, as PromPHP has them, and without the series
         * that observed nothing in it; any other metric's samples as they are.
         *
         * @return list<Sample>
         */
        public function getWindowSamples(): array {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        public function hasLabelNames(): bool {}
    }

    /**
     * One line of a page.
     */
    class Sample
    {
        /**
         * @param array{name: string, labelNames: list<string>, labelValues: list<mixed>, value: mixed} $data
         * @throws Exception\InvalidArgumentException if something is missing
         */
        public function __construct(array $data) {}

        public function getName(): string {}

        /** @return list<string> the labels beyond the family's: `le` or `quantile` */
        public function getLabelNames(): array {}

        /** @return list<mixed> the values of the family's labels and then of its own */
        public function getLabelValues(): array {}

        /** @return string all digits that the number has, or `+Inf`, `-Inf`, `NaN` */
        public function getValue(): string {}

        public function hasLabelNames(): bool {}
    }

    /**
     * What makes a page of samples.
     */
    interface RendererInterface
    {
        /** @param array<MetricFamilySamples> $metrics */
        public function render(array $metrics): string;
    }

    /**
     * Makes a page in Prometheus's text format 0.0.4.
     */
    class RenderTextFormat implements RendererInterface
    {
        public const MIME_TYPE = 'text/plain; version=0.0.4';

        /**
         * @param array<MetricFamilySamples> $metrics
         * @param bool $silent a sample whose labels do not fit becomes a comment instead of an exception
         * @throws Exception\InvalidArgumentException if something else is in the array, or labels do not fit
         */
        public function render(array $metrics, bool $silent = false): string {}
    }

    /**
     * The shared memory that all metrics live in.
     */
    final class Segment
    {
        /**
         * What the storage is doing. Asking never creates the segment.
         *
         * @return array{
         *     enabled: bool,
         *     attached: bool,
         *     segment: string,
         *     error: string|null,
         *     other_settings: array<string, array{configured: int, segment: int, next_generation: bool}>,
         *     reserved_bytes: int,
         *     used_bytes: int,
         *     series: int,
         *     hidden_series: int,
         *     max_series: int,
         *     families: array<string, int>,
         *     overflows: array<string, int>,
         *     dropped: array{series_limit: int, segment_full: int, too_many_buckets: int, corrupt: int, summary_sample: int, exemplar: int},
         *     truncated_labels: int,
         *     slot: int|null,
         *     max_processes: int,
         *     liveness: 'kernel'|'degraded'|'unknown',
         *     unstored_updates: int,
         *     worker_starts: int,
         *     worker_exits: array{clean: int, fatal: int, abrupt: int}
         * } `other_settings` are those that this process is configured with differently than the segment that it uses,
         *   with both numbers, and whether the segment's next generation takes the configured one over: any other needs a
         *   new segment; `hidden_series` are those that nobody has used for promshm.series_ttl; `families` has the number
         *   of series of each metric, the largest first; `overflows` counts lookups of label values beyond
         *   promshm.max_series_per_metric, which count together, for each metric that had any; `slot` 0 is shared by the
         *   processes that found no free one; `unstored_updates` counts those of this process that had no
         *   segment to go to
         */
        public static function status(): array {}

        /** All metrics of all processes in Prometheus's text format 0.0.4. */
        public static function render(): string {}

        /**
         * Begins to give back what is not used any more: removed series, and definitions that others have replaced. It
         * is done once all processes have moved on, each at one of its next calls. A full segment does so by itself.
         *
         * @return bool whether it has begun: not while the last time is not done, nor while a process without a slot
         *     lives
         */
        public static function compact(): bool {}

        /** Takes all metrics of all processes away. Live handles keep working, from zero. */
        public static function wipe(): void {}
    }
}

namespace Promshm\Exception {

    /** Every exception of the extension. */
    interface ExceptionInterface extends \Throwable {}

    /** A name, label, bucket or value that is not allowed. */
    class InvalidArgumentException extends \InvalidArgumentException implements ExceptionInterface {}

    /**
     * One name defined in two ways within one request, or registered twice. Definitions of former requests, and of
     * other processes, are no conflict: a deploy may have changed them.
     */
    class MetricsRegistrationException extends \Exception implements ExceptionInterface {}

    /** A registry was asked for a metric that it does not know. */
    class MetricNotFoundException extends \RuntimeException implements ExceptionInterface {}

    /** For code that catches it: storage trouble never throws here. */
    class StorageException extends \Exception implements ExceptionInterface {}
}
