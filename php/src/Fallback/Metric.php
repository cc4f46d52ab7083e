<?php

declare(strict_types=1);

namespace Promshm\Fallback;

use Promshm\Fallback\Exception\InvalidArgumentException;

/**
 * What all metric classes have in common.
 *
 * @internal
 */
trait Metric
{
    use Uncopied;

    private Definition $definition;
    private Family $family;

    /** @var list<string> the names of all labels, in the order of the definition */
    private array $names;

    /** @var list<string> the values of the constant labels */
    private array $constants;

    /** @var list<string>|null the label values of a bound handle */
    private ?array $bound = null;

    public function labels(string|int|float|bool|\Stringable|\UnitEnum ...$values): self
    {
        $this->refuseIfBound();
        $handle = $this->bind($this->definition->values($values));
        $handle->publish();
        return $handle;
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function remove(array $labels = []): bool
    {
        return $this->family->remove($this->inOrder([...$this->valuesOf($labels), ...$this->constants]));
    }

    /**
     * @param array<int|string, string|int|float|bool|null|\Stringable|\UnitEnum> $labels
     */
    public function removeMatching(array $labels): int
    {
        $this->refuseIfBound();
        return $this->removeAll($this->definition->someValues($labels));
    }

    public function clear(): int
    {
        $this->refuseIfBound();
        return $this->removeAll([]);
    }

    public function getName(): string
    {
        return $this->definition->name;
    }

    public function getHelp(): string
    {
        return $this->definition->help;
    }

    /**
     * @return list<string>
     */
    public function getLabelNames(): array
    {
        return $this->definition->labelNames;
    }

    public function getType(): string
    {
        return $this->definition->type;
    }

    /** Makes it a handle on the metric, with the constant labels of the registry that constructs it. */
    private function standFor(Definition $definition): void
    {
        $this->definition = $definition;
        $this->constants = array_values(Memory::$constants);
        $whole = $definition->with(array_keys(Memory::$constants));
        $this->names = $whole->labelNames;
        $this->family = Memory::define($whole);
        if ($definition->labelNames === []) {
            $this->publish();
        }
    }

    /**
     * @param array<string, string> $wanted values by label
     */
    private function removeAll(array $wanted): int
    {
        $constants = array_slice($this->names, count($this->definition->labelNames));
        return $this->family->removeMatching($wanted + array_combine($constants, $this->constants));
    }

    /** Makes the series of a handle without further labels, unless it has no value yet, as a gauge. */
    private function publish(): void
    {
        if ($this->definition->type !== 'gauge') {
            $this->at([]);
        }
    }

    /**
     * @param list<string> $values
     */
    private function bind(array $values): self
    {
        $handle = (new \ReflectionClass(self::class))->newInstanceWithoutConstructor();
        $handle->definition = $this->definition;
        $handle->family = $this->family;
        $handle->names = $this->names;
        $handle->constants = $this->constants;
        $handle->bound = $values;
        return $handle;
    }

    /**
     * @param array<mixed> $labels
     */
    private function at(array $labels): ?Series
    {
        $values = $this->valuesOf($labels);
        $all = $this->inOrder([...$values, ...$this->constants]);
        if ($values !== [] && !$this->family->hasRoom($all)) {
            $this->family->overflows++;
            $others = array_fill(0, count($values), Memory::OVERFLOW_LABEL);
            $all = $this->inOrder([...$others, ...$this->constants]);
        }
        return $this->family->at($all);
    }

    /**
     * The values in the order of the family, whose first definition may name the labels in another one.
     *
     * @param list<string> $values
     * @return list<string>
     */
    private function inOrder(array $values): array
    {
        if ($this->names === $this->family->definition->labelNames) {
            return $values;
        }
        $named = array_combine($this->names, $values);
        return array_map(static fn (string $name): string => $named[$name], $this->family->definition->labelNames);
    }

    /**
     * @param array<mixed> $labels
     * @return list<string>
     */
    private function valuesOf(array $labels): array
    {
        $bound = $this->bound;
        if ($bound === null) {
            return $this->definition->values($labels);
        }
        if ($labels !== []) {
            $this->refuseIfBound();
        }
        return $bound;
    }

    private function refuseIfBound(): void
    {
        if ($this->bound !== null && $this->bound !== []) {
            $name = $this->definition->name;
            throw new InvalidArgumentException(
                "This handle on $name is bound to its label values and takes no others"
            );
        }
    }
}
