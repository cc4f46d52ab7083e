<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * A metric and its series.
 *
 * @internal
 */
final class Family
{
    /** How often label values were looked up that found no room of their own. */
    public int $overflows = 0;

    private int $epoch = 0;

    /** @var array<string, Series> by their label values */
    private array $series = [];

    public function __construct(public readonly Definition $definition)
    {
    }

    /**
     * Whether these label values have a series, or may have one.
     *
     * @param list<string> $values
     */
    public function hasRoom(array $values): bool
    {
        return !Memory::isEnabled()
            || $this->epoch !== Memory::$epoch
            || count($this->series) < Memory::MAX_SERIES_PER_METRIC + ($this->overflows > 0 ? 1 : 0)
            || isset($this->series[self::key($values)]);
    }

    /**
     * The series of these label values, made where it is missing; null where there is no room for it.
     *
     * @param list<string> $values
     */
    public function at(array $values): ?Series
    {
        if (!Memory::isEnabled()) {
            return null;
        }
        $this->catchUp();
        $key = self::key($values);
        if (isset($this->series[$key])) {
            return $this->series[$key];
        }
        return Memory::takePlace() ? $this->series[$key] = new Series($values) : null;
    }

    /**
     * @param list<string> $values
     */
    public function remove(array $values): bool
    {
        if ($this->epoch !== Memory::$epoch || !isset($this->series[self::key($values)])) {
            return false;
        }
        unset($this->series[self::key($values)]);
        Memory::$series--;
        return true;
    }

    /**
     * @param array<string, string> $wanted values by label
     */
    public function removeMatching(array $wanted): int
    {
        if ($this->epoch !== Memory::$epoch) {
            return 0;
        }
        $count = count($this->series);
        $names = $this->definition->labelNames;
        $this->series = array_filter(
            $this->series,
            static fn (Series $series): bool =>
                array_diff_assoc($wanted, $names === [] ? [] : array_combine($names, $series->labelValues)) !== []
        );
        $removed = $count - count($this->series);
        Memory::$series -= $removed;
        return $removed;
    }

    /**
     * @return list<Series> sorted by label values
     */
    public function all(): array
    {
        $all = array_values($this->series);
        usort($all, static function (Series $a, Series $b): int {
            foreach ($a->labelValues as $index => $value) {
                if ($value !== $b->labelValues[$index]) {
                    return strcmp($value, $b->labelValues[$index]);
                }
            }
            return 0;
        });
        return $all;
    }

    /** After a wipe a metric begins from nothing, and is shown again with its first update. */
    private function catchUp(): void
    {
        if ($this->epoch !== Memory::$epoch) {
            $this->epoch = Memory::$epoch;
            $this->series = [];
            $this->overflows = 0;
            Memory::show($this);
        }
    }

    /**
     * @param list<string> $values
     */
    private static function key(array $values): string
    {
        return implode("\xff", $values); // a byte that no UTF-8 has
    }
}
