<?php

declare(strict_types=1);

namespace Promshm\Storage;

use Prometheus\Sample as BaseSample;
use Promshm\Sample;

/**
 * A sample for PromPHP. It holds no copy of labels and value, and spells them as PromPHP does when it is asked.
 *
 * @internal
 */
final class PromphpSample extends BaseSample
{
    public function __construct(private readonly Sample $sample)
    {
        // The constructor of PromPHP's class would take copies.
    }

    public function getName(): string
    {
        return $this->sample->getName();
    }

    /**
     * @return list<string>
     */
    public function getLabelNames(): array
    {
        return $this->sample->getLabelNames();
    }

    /**
     * @return list<mixed>
     */
    public function getLabelValues(): array
    {
        $values = $this->sample->getLabelValues();
        $last = array_key_last($values);
        if ($last !== null && $this->sample->hasLabelNames() && is_string($values[$last])) {
            $values[$last] = Spelling::bound($values[$last]);
        }
        return $values;
    }

    public function getValue(): string
    {
        return Spelling::value($this->sample->getValue());
    }

    public function hasLabelNames(): bool
    {
        return $this->sample->hasLabelNames();
    }
}
