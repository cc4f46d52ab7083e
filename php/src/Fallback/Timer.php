<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * A duration that is being measured. Histogram::startTimer() makes it.
 */
final class Timer implements TimerInterface
{
    use Uncopied;

    private float $start;
    private ?float $seconds = null;
    private Histogram|NativeHistogram|null $histogram = null;

    private function __construct()
    {
        $this->start = Series::now();
    }

    /**
     * @internal
     */
    public static function of(Histogram|NativeHistogram $bound): self
    {
        $timer = new self();
        $timer->histogram = $bound;
        return $timer;
    }

    /** Observes the time since the start. Only the first call observes; later ones return the same duration. */
    public function observeDuration(): float
    {
        if ($this->seconds === null) {
            $this->seconds = Series::now() - $this->start;
            $this->histogram?->observe($this->seconds);
        }
        return $this->seconds;
    }
}
