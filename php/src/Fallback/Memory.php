<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\MetricsRegistrationException;

/**
 * The metrics of this process, where the extension has its segment.
 *
 * @internal
 */
final class Memory
{
    /** As the extension's `promshm.max_series`: a script that runs for ever must not fill its memory. */
    public const MAX_SERIES = 10000;

    /** As the extension's `promshm.max_series_per_metric`: one metric must not take the room of all others. */
    public const MAX_SERIES_PER_METRIC = 1000;

    /** As the extension's `promshm.overflow_label`: what further label values of such a metric count as. */
    public const OVERFLOW_LABEL = 'other';

    /** Changes with each wipe; a family of an older one starts afresh at its next update. */
    public static int $epoch = 1;
    public static int $series = 0;
    public static int $dropped = 0;

    /** @var array<string, string> the labels that a registry gives to the metric that it is constructing */
    public static array $constants = [];

    /** Whether updates are kept; they are checked in any case. */
    private static bool $isEnabled = true;

    /** @var array<string, Family> what the program has defined, by name: a name has one definition */
    private static array $defined = [];

    /** @var array<string, Family> what has been updated, by name: the latest definition is shown */
    private static array $shown = [];

    /** Makes every update a no-op, as the extension's `promshm.enabled=0` does. */
    public static function disable(): void
    {
        self::wipe();
        self::$isEnabled = false;
    }

    public static function enable(): void
    {
        self::$isEnabled = true;
    }

    public static function isEnabled(): bool
    {
        return self::$isEnabled;
    }

    /**
     * @throws MetricsRegistrationException if the name is defined otherwise
     */
    public static function define(Definition $definition): Family
    {
        $known = self::$defined[$definition->name] ??= new Family($definition);
        if (!$known->definition->isSame($definition)) {
            throw new MetricsRegistrationException(sprintf(
                '%s is already defined as %s, and cannot be %s as well: use one definition, or another name',
                $definition->name,
                $known->definition->describe(),
                $definition->describe()
            ));
        }
        return $known;
    }

    /** Takes the place of one more series; where there is none, an update is dropped and counted. */
    public static function takePlace(): bool
    {
        if (self::$series >= self::MAX_SERIES) {
            self::$dropped++;
            return false;
        }
        self::$series++;
        return true;
    }

    public static function show(Family $family): void
    {
        self::$shown[$family->definition->name] = $family;
    }

    /**
     * @return array<string, Family> sorted by name
     */
    public static function families(): array
    {
        ksort(self::$shown, SORT_STRING);
        return self::$shown;
    }

    public static function wipe(): void
    {
        self::$epoch++;
        self::$defined = [];
        self::$shown = [];
        self::$series = 0;
        self::$dropped = 0;
    }
}
