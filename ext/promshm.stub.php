<?php

/**
 * The PHP API of the extension promshm.
 *
 * This file is for people, editors and static analysers; PHP never loads it.
 * php-tests/stub.phpt compares it with the loaded extension, in both directions.
 *
 * Every metric lives in shared memory. Constructing one, or binding labels to
 * one, stores nothing: the first update registers the series. Mistakes in the
 * program throw; trouble with the storage never does.
 */

namespace Promshm {

    /**
     * A number that only grows: requests served, jobs done, bytes sent.
     */
    final class Counter
    {
        /**
         * Makes a handle on the counter, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `le`, `quantile` or `__*`
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this process defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = []) {}

        /**
         * Adds one.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels
         *        values in the order of the names, or keyed by name in any order
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function inc(array $labels = []): void {}

        /**
         * Adds a number that is not negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for inc()
         * @throws Exception\InvalidArgumentException if $value is negative or NAN, or the labels do not fit
         */
        public function incBy(int|float $value, array $labels = []): void {}

        /**
         * Binds label values: the handle returned takes no labels any more and is the fastest way to count.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable ...$values): Counter {}

        /**
         * Takes one series away. A later update starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for inc()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

        public function getName(): string {}

        public function getHelp(): string {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        /** @return string always `counter` */
        public function getType(): string {}
    }

    /**
     * A number that goes up and down: queue length, memory in use, jobs in flight.
     */
    final class Gauge
    {
        /**
         * Makes a handle on the gauge, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `le`, `quantile` or `__*`,
         *        and not `pid` with GaugeMode::All
         * @param GaugeMode $mode how the values of several processes become one
         * @throws Exception\InvalidArgumentException if a name is not allowed
         * @throws Exception\MetricsRegistrationException if this process defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = [], GaugeMode $mode = GaugeMode::Last) {}

        /**
         * Sets the value.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels
         *        values in the order of the names, or keyed by name in any order
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function set(float $value, array $labels = []): void {}

        /**
         * Adds one.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function inc(array $labels = []): void {}

        /**
         * Adds a number, which may be negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function incBy(int|float $value, array $labels = []): void {}

        /**
         * Takes one away.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function dec(array $labels = []): void {}

        /**
         * Takes a number away, which may be negative.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function decBy(int|float $value, array $labels = []): void {}

        /**
         * Sets the value to the current Unix time in seconds, with its fraction.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for set()
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function setToCurrentTime(array $labels = []): void {}

        /**
         * Binds label values: the handle returned takes no labels any more and is the fastest way to set.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable ...$values): Gauge {}

        /**
         * Takes one series away. A later update starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for set()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

        public function getName(): string {}

        public function getHelp(): string {}

        /** @return list<string> */
        public function getLabelNames(): array {}

        /** @return string always `gauge` */
        public function getType(): string {}
    }

    /**
     * Observations counted in buckets: durations, sizes.
     */
    final class Histogram
    {
        /**
         * Makes a handle on the histogram, new or already there.
         *
         * @param string $name letters, digits, `_` and `:`, not starting with a digit
         * @param string $help one line for people
         * @param list<string> $labelNames letters, digits and `_`; not `le`, `quantile` or `__*`
         * @param list<int|float>|null $buckets increasing upper bounds; `+Inf` is added by itself;
         *        null for getDefaultBuckets()
         * @throws Exception\InvalidArgumentException if a name is not allowed, or the buckets do not increase
         * @throws Exception\MetricsRegistrationException if this process defined the name differently
         */
        public function __construct(string $name, string $help = '', array $labelNames = [], ?array $buckets = null) {}

        /**
         * Counts one observation in its bucket and adds it to the sum.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels
         *        values in the order of the names, or keyed by name in any order
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function observe(float $value, array $labels = []): void {}

        /**
         * Binds label values: the handle returned takes no labels any more and is the fastest way to observe.
         *
         * @throws Exception\InvalidArgumentException if the values do not fit, or the handle is bound already
         */
        public function labels(string|int|float|bool|\Stringable ...$values): Histogram {}

        /**
         * Takes one series away. A later observation starts it afresh from zero.
         *
         * @param array<int|string, string|int|float|bool|null|\Stringable> $labels as for observe()
         * @return bool whether there was such a series
         * @throws Exception\InvalidArgumentException if the labels do not fit
         */
        public function remove(array $labels = []): bool {}

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
         *     reserved_bytes: int,
         *     used_bytes: int,
         *     series: int,
         *     max_series: int,
         *     dropped: array{series_limit: int, segment_full: int, too_many_buckets: int, corrupt: int},
         *     truncated_labels: int,
         *     slot: int|null,
         *     max_processes: int,
         *     liveness: 'kernel'|'degraded'|'unknown',
         *     unstored_updates: int,
         *     worker_starts: int,
         *     worker_exits: array{clean: int, fatal: int, abrupt: int}
         * } `slot` 0 is shared by the processes that found no free one;
         *   `unstored_updates` counts those of this process that had no segment to go to
         */
        public static function status(): array {}

        /** All metrics of all processes in Prometheus's text format 0.0.4. */
        public static function render(): string {}

        /** Takes all metrics of all processes away. Live handles keep working, from zero. */
        public static function wipe(): void {}
    }
}

namespace Promshm\Exception {

    /** Every exception of the extension. */
    interface ExceptionInterface extends \Throwable {}

    /** A name, label, bucket or value that is not allowed. */
    class InvalidArgumentException extends \InvalidArgumentException implements ExceptionInterface {}

    /** One name defined in two ways within one process. */
    class MetricsRegistrationException extends \RuntimeException implements ExceptionInterface {}
}
