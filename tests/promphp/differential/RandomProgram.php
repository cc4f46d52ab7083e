<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp\Differential;

use Prometheus\CollectorRegistry;
use Prometheus\Histogram;
use Prometheus\RenderTextFormat;
use Prometheus\Storage\Adapter;
use Random\Engine\Mt19937;
use Random\Randomizer;

/**
 * A program that registers and updates metrics by chance, the same for each run with one seed.
 *
 * It says what an application could say, mistakes included, but for what DifferencesTest pins one by one.
 */
final class RandomProgram
{
    private const LABELS = ['queue', 'status', '_x', 'A1', 'pid'];
    private const STEPS = 60;

    private Randomizer $random;

    /**
     * Type, namespace, name, further arguments, and how label values are keyed: InMemory keeps two series of one name
     * where a program does both.
     *
     * @var list<array{string, string, string, list<mixed>, string}>
     */
    private array $metrics = [];

    /** @var list<string> what each step ended with */
    public array $ends = [];

    public function __construct(int $seed)
    {
        $this->random = new Randomizer(new Mt19937($seed));
        for ($i = 0; $i < 8; $i++) {
            $this->metrics[] = $this->metric($i);
        }
    }

    /** Runs it, and returns the page. */
    public function run(Adapter $storage): string
    {
        $registry = new CollectorRegistry($storage, $this->chance(10));
        for ($step = 0; $step < self::STEPS; $step++) {
            $metric = $this->one($this->metrics);
            try {
                $this->step($registry, $metric);
                $this->ends[] = "$metric[0] ok";
            } catch (\Throwable $thrown) {
                $this->ends[] = "$metric[0] " . get_class($thrown) . ': ' . $thrown->getMessage();
            }
        }
        return (new RenderTextFormat())->render($registry->getMetricFamilySamples());
    }

    /**
     * @return array{string, string, string, list<mixed>, string}
     */
    private function metric(int $number): array
    {
        $type = $this->one(['Counter', 'Gauge', 'Histogram', 'Summary']);
        $names = $this->labelNames($type);
        $more = match ($type) {
            'Histogram' => [$this->buckets()],
            'Summary' => [600, $this->one([null, [0.5], [0.1, 0.5, 0.999], [0.25, 1 / 3], [], [0.5, 0.5], [1.5]])],
            default => [],
        };
        $help = $this->one(['', 'Help.', 'With "quotes" and ünicode']);
        $name = $this->one(['jobs', '_jobs', 'Jobs9', 'jobs_total', 'a-b', '9a', '']) . "_$number";
        $keys = $this->one(['list', 'list', 'holes', 'other names', 'names']);
        return [$type, $this->one(['', 'app', 'my_app']), $name, [$help, $names, ...$more], $keys];
    }

    /**
     * @return array<mixed>
     */
    private function labelNames(string $type): array
    {
        $names = $this->random->shuffleArray(self::LABELS);
        $names = array_slice($names, 0, $this->random->getInt(0, 3));
        if ($this->chance(15)) {
            $names[] = $this->one(['le', 'quantile', '__reserved', '1x', 'ü']);
        }
        if ($this->chance(10) && $names !== []) {
            $names = array_combine(array_map(static fn (int $n): int => 2 * $n + 3, array_keys($names)), $names);
        }
        return $names;
    }

    /**
     * @return list<mixed>|null
     */
    private function buckets(): ?array
    {
        return $this->one([
            null, [1], [0, 1, 2.5, 10], [0.1, 0.2, 0.1 + 0.2, 0.5], ['0.5', '1', '20'], [-1, 1e-5, 1e6, 1e25],
            [], [2, 1], Histogram::exponentialBuckets(0.01, 1.5, 12), [1000, 1000000, 123456789012345],
        ]);
    }

    /**
     * @param array{string, string, string, list<mixed>, string} $metric
     */
    private function step(CollectorRegistry $registry, array $metric): void
    {
        if ($this->chance(1)) {
            $registry->wipeStorage();
            return;
        }
        [$type, $namespace, $name, $more, $keys] = $metric;
        $get = $this->one(['getOrRegister', 'getOrRegister', 'getOrRegister', 'register', 'get']);
        $object = $registry->{"$get$type"}($namespace, $name, ...($get === 'get' ? [] : $more));
        $labels = $this->labelValues($more[1], $keys);
        match ($type) {
            'Counter' => $this->chance(50) ? $object->inc($labels) : $object->incBy($this->amount(), $labels),
            'Gauge' => match ($this->random->getInt(0, 3)) {
                0 => $object->set($this->value(), $labels),
                1 => $object->inc($labels),
                2 => $object->decBy($this->amount(), $labels),
                3 => $object->incBy($this->amount(), $labels),
            },
            'Histogram' => $object->observe($this->value(), $labels),
            'Summary' => $object->observe($this->one([0, -1, 1, 0.1, 0.3, 5, 7.5, 1e6, 1e17, INF]), $labels),
        };
    }

    /**
     * @param array<mixed> $names
     * @return array<mixed>
     */
    private function labelValues(array $names, string $keys): array
    {
        $values = array_map(fn (): mixed => $this->labelValue(), array_values($names));
        $keyed = array_combine(match ($keys) {
            'list' => array_keys($values),
            'holes' => array_map(static fn (int $n): int => 2 * $n + 1, array_keys($values)),
            'other names' => array_map(static fn (int $n): string => "key$n", array_keys($values)),
            'names' => $names,
        }, $values);
        return match ($this->random->getInt(1, 25)) {
            1 => [...$keyed, 'one more'],
            2 => array_slice($keyed, 1),
            default => $keyed,
        };
    }

    /** Each text comes as one type only. */
    private function labelValue(): mixed
    {
        return $this->one([
            'mail', 'MAIL', 'a b', 'say "hi"', 'back\\slash', "line\nbreak", 'a\\nb', 'é', '日本', '{}', 'x=","',
            ' ', 200, -7, 0, 0.5, 1.25, 0.1 + 0.2, 1e20, 1e-7, 123456.789, true, null,
        ]);
    }

    private function amount(): mixed
    {
        return $this->one([0, 1, 2, 5, 0.5, 0.1, 1e10, '3', '2.5', ' 4', true, null, 1.5e300]);
    }

    private function value(): mixed
    {
        return $this->one([0, -1, 1, 0.1, 0.3, 5, 7.5, 1e6, 1e17, -0.0, NAN, INF, -INF, 1719999999123]);
    }

    private function chance(int $percent): bool
    {
        return $this->random->getInt(1, 100) <= $percent;
    }

    /**
     * @template T
     * @param non-empty-list<T> $all
     * @return T
     */
    private function one(array $all): mixed
    {
        return $all[$this->random->getInt(0, count($all) - 1)];
    }
}
