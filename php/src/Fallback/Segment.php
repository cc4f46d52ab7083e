<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * What the extension's shared memory is, kept in this process.
 */
final class Segment
{
    private function __construct()
    {
    }

    /**
     * What the storage is doing, in the extension's shape.
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
     *     dropped: array{series_limit: int, segment_full: int, too_many_buckets: int, corrupt: int,
     *         summary_sample: int, exemplar: int},
     *     truncated_labels: int,
     *     slot: int|null,
     *     max_processes: int,
     *     liveness: 'kernel'|'degraded'|'unknown',
     *     unstored_updates: int,
     *     worker_starts: int,
     *     worker_exits: array{clean: int, fatal: int, abrupt: int}
     * }
     */
    public static function status(): array
    {
        return [
            'enabled' => Memory::isEnabled(),
            'attached' => false,
            'segment' => 'memory of this process',
            'error' => null,
            'other_settings' => [],
            'reserved_bytes' => 0,
            'used_bytes' => 0,
            'series' => Memory::$series,
            'hidden_series' => 0,
            'max_series' => Memory::MAX_SERIES,
            'families' => self::families(),
            'overflows' => array_filter(array_map(
                static fn (Family $family): int => $family->overflows,
                Memory::families()
            )),
            'dropped' => [
                'series_limit' => Memory::$dropped,
                'segment_full' => 0,
                'too_many_buckets' => 0,
                'corrupt' => 0,
                'summary_sample' => 0,
                'exemplar' => 0,
            ],
            'truncated_labels' => 0,
            'slot' => null,
            'max_processes' => 1,
            'liveness' => 'unknown',
            'unstored_updates' => 0,
            'worker_starts' => 0,
            'worker_exits' => ['clean' => 0, 'fatal' => 0, 'abrupt' => 0],
        ];
    }

    /**
     * @return array<string, int> how many series each metric has, the largest first
     */
    private static function families(): array
    {
        $counts = array_filter(array_map(static fn (Family $family): int => count($family->all()), Memory::families()));
        arsort($counts);
        return $counts;
    }

    /** The metrics of this process in Prometheus's text format 0.0.4. */
    public static function render(): string
    {
        return implode('', array_map(PageWriter::family(...), Memory::families()));
    }

    /** Begins to give back what is not used any more; here that is done at once, always. */
    public static function compact(): bool
    {
        return false;
    }

    /** Takes all metrics away. Live handles keep working, from zero. */
    public static function wipe(): void
    {
        Memory::wipe();
    }
}
