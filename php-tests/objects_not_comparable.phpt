--TEST--
Two objects are never equal and have no order
--DESCRIPTION--
Without properties all objects of a class would be equal, so that in_array() would find any counter.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, Gauge, Histogram, MetricFamilySamples, Sample, Summary};

class OwnRegistry extends CollectorRegistry
{
}

$family = ['name' => 'n', 'type' => 'gauge', 'help' => '', 'labelNames' => []];
$sample = ['name' => 'n', 'labelNames' => [], 'labelValues' => [], 'value' => 1];
$pairs = [
    [new Counter('c'), new Counter('c')],
    [new Counter('c'), new Counter('another_c')],
    [new Gauge('g'), new Gauge('g')],
    [$h = new Histogram('h'), new Histogram('h')],
    [new Summary('s'), new Summary('s')],
    [$h->startTimer(), $h->startTimer()],
    [new CollectorRegistry(null, false), new CollectorRegistry(null, false)],
    [new OwnRegistry(null, false), new OwnRegistry(null, false)],
    [new MetricFamilySamples($family), new MetricFamilySamples($family)],
    [new Sample($sample), new Sample($sample)],
];
foreach ($pairs as [$one, $other]) {
    $found = array_filter([
        '==' => $one == $other,
        '<' => $one < $other,
        '<=' => $one <= $other,
        '>=' => $one >= $other,
        'in_array' => in_array($other, [$one]),
        'in an array' => [$one] == [$other],
        'itself' => $one != $one,
        'itself in an array' => [$one] != [$one],
        'true' => $one != true,
        'null' => $one == null,
        'unlike' => $one == new stdClass(),
    ]);
    echo $one::class, $found ? ': ' . implode(', ', array_keys($found)) : '', "\n";
}
try {
    var_dump($pairs[0][0] == 'text');
} catch (Error $error) {
    echo $error->getMessage(), "\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Counter
Promshm\Counter
Promshm\Gauge
Promshm\Histogram
Promshm\Summary
Promshm\Timer
Promshm\CollectorRegistry
OwnRegistry
Promshm\MetricFamilySamples
Promshm\Sample
bool(false)
