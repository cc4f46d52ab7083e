<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * What a metric is: its name, type, labels and the rest of its shape, checked by the extension's rules.
 *
 * @internal
 */
final class Definition
{
    private const NAME = '/^[a-zA-Z_:][a-zA-Z0-9_:]*$/D';
    private const LABEL = '/^[a-zA-Z_][a-zA-Z0-9_]*$/D';
    private const MAX_NAME = 1024;
    private const MAX_HELP = 16 * 1024;
    private const MAX_LABELS = 64;
    private const MAX_VALUE = 1024;

    /** @var list<string> */
    public readonly array $labelNames;

    /**
     * @param 'counter'|'gauge'|'histogram'|'summary' $type
     * @param array<mixed> $labelNames
     * @param ?GaugeMode $mode a gauge's
     * @param list<float> $bounds a histogram's buckets, a summary's quantiles
     * @param int $maxAgeSeconds a summary's window
     * @param ?int $schema a native histogram's
     * @throws InvalidArgumentException if a name is not allowed
     */
    public function __construct(
        public readonly string $type,
        public readonly string $name,
        public readonly string $help,
        array $labelNames,
        public readonly ?GaugeMode $mode = null,
        public readonly array $bounds = [],
        public readonly int $maxAgeSeconds = 0,
        public readonly ?int $schema = null
    ) {
        self::atMost('The metric\'s name', strlen($name), self::MAX_NAME);
        if (preg_match(self::NAME, $name) !== 1) {
            $rule = 'use letters, digits, _ and :, not starting with a digit';
            throw new InvalidArgumentException("Invalid metric name \"$name\": $rule");
        }
        if (count($labelNames) > self::MAX_LABELS) {
            throw new InvalidArgumentException('The labels are more than ' . self::MAX_LABELS);
        }
        self::atMost('The help text', strlen($help), self::MAX_HELP);
        $this->labelNames = array_map(static fn (mixed $label): string => is_string($label)
            ? $label
            : throw new InvalidArgumentException('Label names must be strings'), array_values($labelNames));
        foreach ($this->labelNames as $index => $label) {
            $this->checkLabel($label, array_slice($this->labelNames, 0, $index));
        }
    }

    /**
     * The same with further labels.
     *
     * @param list<string> $labelNames
     */
    public function with(array $labelNames): self
    {
        if ($labelNames === []) {
            return $this;
        }
        $all = [...$this->labelNames, ...$labelNames];
        return new self(
            $this->type,
            $this->name,
            $this->help,
            $all,
            $this->mode,
            $this->bounds,
            $this->maxAgeSeconds,
            $this->schema
        );
    }

    /** Whether both describe the same family; the help text and the order of the labels do not count. */
    public function isSame(self $other): bool
    {
        $names = [$this->labelNames, $other->labelNames];
        sort($names[0]);
        sort($names[1]);
        return $this->type === $other->type && $names[0] === $names[1]
            && $this->mode === $other->mode && $this->bounds === $other->bounds
            && $this->maxAgeSeconds === $other->maxAgeSeconds && $this->schema === $other->schema;
    }

    /** Whether each process has a series of its own, told apart by the label `pid`. */
    public function isPerProcess(): bool
    {
        return $this->mode === GaugeMode::All;
    }

    public function describe(): string
    {
        $shape = match (true) {
            $this->mode !== null => " and mode {$this->mode->name}",
            $this->type === 'summary' => " and maxAgeSeconds $this->maxAgeSeconds",
            $this->schema !== null => " and native buckets of schema $this->schema",
            default => '',
        };
        if ($this->bounds !== []) {
            $what = $this->type === 'summary' ? 'quantiles' : 'buckets';
            $shape .= " and $what (" . implode(', ', array_map(Number::label(...), $this->bounds)) . ')';
        }
        return "a $this->type with labels (" . implode(', ', $this->labelNames) . ')' . $shape;
    }

    /**
     * Label values as text, in the order of the names.
     *
     * @param array<mixed> $given a list in the order of the names, or keyed by them
     * @return list<string>
     * @throws InvalidArgumentException if they do not fit
     */
    public function values(array $given): array
    {
        if (count($given) !== count($this->labelNames)) {
            throw $this->wrongCount(count($given));
        }
        $isList = isset($given[0]) || array_key_exists(0, $given);
        $values = [];
        foreach ($this->labelNames as $index => $name) {
            $key = $isList ? $index : $name;
            if (!array_key_exists($key, $given)) {
                throw $this->missing($name, $given, $isList);
            }
            $values[] = self::cut(self::text("$this->name: label $name", $given[$key]));
        }
        return $values;
    }

    /**
     * @param array<mixed> $given keyed by some of the label names
     * @return array<string, string>
     */
    public function someValues(array $given): array
    {
        if ($given === []) {
            throw new InvalidArgumentException(
                "$this->name: removeMatching() needs a label; clear() removes all series"
            );
        }
        $unknown = array_diff(array_keys($given), $this->labelNames);
        if ($unknown !== []) {
            $unknown = reset($unknown);
            throw new InvalidArgumentException($this->labelNames === []
                ? "$this->name has no labels, but $unknown given: clear() removes its series"
                : sprintf(
                    '%s: %s is not one of its labels (%s): key each value by the name of its label',
                    $this->name,
                    $unknown,
                    implode(', ', $this->labelNames)
                ));
        }
        $values = [];
        foreach ($this->labelNames as $name) {
            if (array_key_exists($name, $given)) {
                $values[$name] = self::cut(self::text("$this->name: label $name", $given[$name]));
            }
        }
        return $values;
    }

    public function wrongCount(int $given): InvalidArgumentException
    {
        $count = count($this->labelNames);
        return new InvalidArgumentException($count === 0
            ? "$this->name has no labels, but $given given: leave them out, or name them in the constructor"
            : sprintf(
                '%s needs %d label value%s (%s), %d given: pass one for each, in this order or keyed by name',
                $this->name,
                $count,
                $count === 1 ? '' : 's',
                implode(', ', $this->labelNames),
                $given
            ));
    }

    /**
     * @param list<string> $before
     */
    private function checkLabel(string $label, array $before): void
    {
        self::atMost('A label\'s name', strlen($label), self::MAX_NAME);
        $own = match (true) {
            $this->type === 'histogram' => 'le',
            $this->type === 'summary' => 'quantile',
            $this->isPerProcess() => 'pid',
            default => null,
        };
        $problem = match (true) {
            preg_match(self::LABEL, $label) !== 1
                => "Invalid label name \"$label\": use letters, digits and _, not starting with a digit",
            str_starts_with($label, '__')
                => "Label name \"$label\" is reserved: names that start with __ belong to Prometheus",
            $label === $own
                => "Label name \"$label\" is reserved: it has a meaning of its own on a $this->type; choose another",
            in_array($label, $before, true) => "Label name \"$label\" is given twice",
            default => null,
        };
        if ($problem !== null) {
            throw new InvalidArgumentException($problem);
        }
    }

    private static function atMost(string $what, int $length, int $limit): void
    {
        if ($length > $limit) {
            throw new InvalidArgumentException("$what is longer than $limit bytes");
        }
    }

    /**
     * @param array<mixed> $given
     */
    private function missing(string $name, array $given, bool $isList): InvalidArgumentException
    {
        $known = implode(', ', $this->labelNames);
        if ($isList) {
            $rule = "label values must be a list (keys 0, 1, …) or keyed by name ($known)";
            return new InvalidArgumentException("$this->name: $rule");
        }
        $unknown = array_values(array_diff(array_map(strval(...), array_keys($given)), $this->labelNames));
        $also = $unknown === [] ? '' : ", and $unknown[0] is not one of its labels";
        return new InvalidArgumentException("$this->name: label $name is missing$also; the labels are $known");
    }

    /**
     * A label's value as text. `$label` says in an error which label it is.
     *
     * @throws InvalidArgumentException if it has no text
     */
    public static function text(string $label, mixed $value): string
    {
        return self::utf8(match (true) {
            is_string($value) => $value,
            is_int($value) => (string) $value,
            is_float($value) => Number::label($value),
            is_bool($value) => $value ? 'true' : 'false',
            $value === null => '',
            $value instanceof \Stringable => (string) $value,
            $value instanceof \BackedEnum => (string) $value->value,
            $value instanceof \UnitEnum => $value->name,
            default => throw new InvalidArgumentException(sprintf(
                '%s must be a string, a number, a bool, an enum or Stringable, but is %s',
                $label,
                self::described($value)
            )),
        });
    }

    private static function described(mixed $value): string
    {
        return match (true) {
            is_array($value) => 'an array',
            is_object($value) => 'an object of class ' . get_debug_type($value),
            default => 'a resource',
        };
    }

    /** Bytes that are no UTF-8 are replaced by U+FFFD: Prometheus refuses a whole page for one of them. */
    private static function utf8(string $value): string
    {
        if (preg_match('//u', $value) === 1) {
            return $value;
        }
        return htmlspecialchars_decode(htmlspecialchars($value, ENT_NOQUOTES | ENT_SUBSTITUTE, 'UTF-8'), ENT_NOQUOTES);
    }

    /** An overlong value ends in a hash of the whole, so that no two become one series. */
    private static function cut(string $value): string
    {
        if (strlen($value) <= self::MAX_VALUE) {
            return $value;
        }
        $mark = '~' . substr(md5($value), 0, 16);
        $kept = substr($value, 0, self::MAX_VALUE - strlen($mark));
        return (preg_replace('/[\xc0-\xff][\x80-\xbf]*$/D', '', $kept) ?? $kept) . $mark;
    }
}
