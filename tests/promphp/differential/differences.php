<?php

declare(strict_types=1);

// What the adapter does otherwise than PromPHP's storage in memory: the program, and what each makes of it. The table
// in php/README.md says why. Samples only; `throws X` where the program ended so.

use Prometheus\CollectorRegistry;
use Promshm\Exception\InvalidArgumentException;

return [
    'names' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '', ['a', 'b'])->inc(['b' => 'B', 'a' => 'A']),
        'c{a="B",b="A"} 1',
        'c{a="A",b="B"} 1',
    ],
    'one text' => [
        static function (CollectorRegistry $r): void {
            foreach ([200, '200', true, '1'] as $value) {
                $r->getOrRegisterCounter('', 'c', '', ['a'])->inc([$value]);
            }
        },
        "c{a=\"1\"} 1\nc{a=\"1\"} 1\nc{a=\"200\"} 1\nc{a=\"200\"} 1",
        "c{a=\"1\"} 2\nc{a=\"200\"} 2",
    ],
    'stringable' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '', ['a'])->inc([new class {
            public function __toString(): string
            {
                return 'text';
            }
        }]),
        'c{a="Array"} 1',
        'c{a="text"} 1',
    ],
    'array' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '', ['a'])->inc([['x']]),
        'c{a="Array"} 1',
        'throws ' . InvalidArgumentException::class,
    ],
    'no number' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '', ['a'])->inc([NAN]),
        'throws RuntimeException',
        'c{a="NAN"} 1',
    ],
    'not UTF-8' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '', ['a'])->inc(["caf\xe9"]),
        'throws RuntimeException',
        "c{a=\"caf\u{FFFD}\"} 1",
    ],
    'long value' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '', ['a'])->inc([str_repeat('x', 1025)]),
        'c{a="' . str_repeat('x', 1025) . '"} 1',
        '/^c\{a="x+~[0-9a-f]+"\} 1$/',
    ],
    'twice' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '', ['a', 'a'])->inc(['x', 'y']),
        'c{a="y"} 1',
        'throws ' . InvalidArgumentException::class,
    ],
    'negative' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '')->incBy(-1),
        'c -1',
        'throws ' . InvalidArgumentException::class . "\nc 0",
    ],
    'colon' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'a:b', '')->inc(),
        'throws RuntimeException',
        'a:b 1',
    ],
    'two types' => [
        static function (CollectorRegistry $r): void {
            $r->getOrRegisterCounter('', 'c', '')->inc();
            $r->getOrRegisterGauge('', 'c', '')->set(7);
        },
        "c 1\nc 7",
        'c 1',
    ],
    'digits' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterGauge('', 'g', '')->set(0.1 + 0.2),
        'g 0.3',
        'g 0.30000000000000004',
    ],
    'large int' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterCounter('', 'c', '')->incBy(2 ** 53 + 1),
        'c 9007199254740993',
        'c 9007199254740992',
    ],
    '+Inf' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterHistogram('', 'h', '', [], [1, INF])->observe(7),
        "h_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"INF\"} 1\nh_count 1\nh_sum 7",
        "h_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"1\"} 0\nh_count 1\nh_sum 7",
    ],
    'large bound' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterHistogram('', 'h', '', [], [10 ** 15])->observe(0),
        "h_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"1000000000000000\"} 1\nh_count 1\nh_sum 0",
        "h_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"1.0E+15\"} 1\nh_count 1\nh_sum 0",
    ],
    'failed update' => [
        static fn (CollectorRegistry $r) => $r->getOrRegisterGauge('', 'g', '')->incBy('many'),
        "throws TypeError\ng 0",
        'throws TypeError',
    ],
];
