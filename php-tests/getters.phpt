--TEST--
Getters return the values of the definition
--DESCRIPTION--
Adapters and error pages ask a handle who it is, bound or not.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}00f
--FILE--
<?php
use Promshm\{Counter, Gauge, Histogram};

$c = new Counter('c_total', 'Help é', ['a', 'b']);
$all = [
    $c,
    $c->labels('x', 'y'),
    new Gauge('g', 'Gauge help', ['a']),
    (new Gauge('g', 'Gauge help', ['a']))->labels('x'),
    new Histogram('h'),
];
foreach ($all as $metric) {
    echo $metric->getType(), ' ', $metric->getName(), ' [', $metric->getHelp(), '] ', json_encode($metric->getLabelNames()), "\n";
}
echo json_encode((new Counter('keyed_total', '', [3 => 'x', 'k' => 'y']))->getLabelNames()), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
counter c_total [Help é] ["a","b"]
counter c_total [Help é] ["a","b"]
gauge g [Gauge help] ["a"]
gauge g [Gauge help] ["a"]
histogram h [] []
["x","y"]
