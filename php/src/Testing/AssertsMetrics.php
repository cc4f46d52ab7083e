<?php

declare(strict_types=1);

namespace Promshm\Testing;

use PHPUnit\Framework\Assert;
use PHPUnit\Framework\Attributes\Before;
use Promshm\Segment;

/**
 * Assertions for the tests of an application, with PHPUnit 9 and newer: `use AssertsMetrics;` in a TestCase. Each
 * test begins without metrics, so give the tests a segment of their own. A failure shows the page.
 *
 * @api
 * @phpstan-type Labels array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum>
 */
trait AssertsMetrics
{
    /**
     * Takes all metrics away. Objects that were made before go on, from zero.
     *
     * @before
     */
    #[Before]
    public function resetMetrics(): void
    {
        Segment::wipe();
    }

    /**
     * A sample must have that value: `assertMetric('jobs_total', ['mail'], 3)`.
     *
     * @param string $name as on the page: a histogram has `…_count`, `…_sum` and `…_bucket`
     * @param Labels $labels in the order of the page, or keyed by name
     */
    public static function assertMetric(string $name, array $labels, int|float $value, string $message = ''): void
    {
        $sample = Page::now()->value($name, $labels);
        $found = $sample === null ? 'is not there' : "is $sample";
        $holds = $sample !== null && (is_nan((float) $value) ? $sample === 'NaN' : (float) $sample === (float) $value);
        self::judge($holds, Page::series($name, $labels) . " $found, expected $value", $message);
    }

    /**
     * There must be no such sample.
     *
     * @param Labels $labels in the order of the page, or keyed by name
     */
    public static function assertNoMetric(string $name, array $labels = [], string $message = ''): void
    {
        $sample = Page::now()->value($name, $labels);
        self::judge($sample === null, Page::series($name, $labels) . " is $sample, expected none", $message);
    }

    /**
     * The call must change a counter, or the count of a histogram, by that much.
     *
     * @param Labels $labels in the order of the page, or keyed by name
     * @return mixed what the call returns
     */
    public static function assertMetricIncreases(
        string $name,
        array $labels,
        int|float $by,
        callable $call,
        string $message = ''
    ): mixed {
        $before = (float) (Page::now()->value($name, $labels) ?? 0);
        $returned = $call();
        self::assertMetric($name, $labels, $before + $by, $message);
        return $returned;
    }

    private static function judge(bool $holds, string $failure, string $message): void
    {
        $prefix = $message === '' ? '' : "$message\n";
        Assert::assertTrue($holds, $holds ? '' : "$prefix$failure. The page:\n" . Segment::render());
    }
}
