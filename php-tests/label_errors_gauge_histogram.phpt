--TEST--
Gauges and histograms refuse labels that do not match, in every method
--DESCRIPTION--
Each method has a handler of its own, so each can forget the check.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}00c
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, Histogram};

$g = new Gauge('g', '', ['a']);
$h = new Histogram('h', '', ['a'], [1]);
$calls = [
    'set' => fn ($labels) => $g->set(1, $labels),
    'inc' => fn ($labels) => $g->inc($labels),
    'incBy' => fn ($labels) => $g->incBy(1, $labels),
    'dec' => fn ($labels) => $g->dec($labels),
    'decBy' => fn ($labels) => $g->decBy(1, $labels),
    'setToCurrentTime' => fn ($labels) => $g->setToCurrentTime($labels),
    'gauge remove' => fn ($labels) => $g->remove($labels),
    'gauge labels' => fn ($labels) => $g->labels(...array_values($labels)),
    'observe' => fn ($labels) => $h->observe(1, $labels),
    'histogram remove' => fn ($labels) => $h->remove($labels),
    'histogram labels' => fn ($labels) => $h->labels(...array_values($labels)),
];
foreach ($calls as $name => $call) {
    foreach ([[], ['x', 'y']] as $labels) {
        try {
            $call($labels);
            echo "$name takes ", count($labels), " labels\n";
        } catch (Promshm\Exception\InvalidArgumentException) {
            echo "$name refuses\n";
        }
    }
}
echo '[', samples(), "]\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
set refuses
set refuses
inc refuses
inc refuses
incBy refuses
incBy refuses
dec refuses
dec refuses
decBy refuses
decBy refuses
setToCurrentTime refuses
setToCurrentTime refuses
gauge remove refuses
gauge remove refuses
gauge labels refuses
gauge labels refuses
observe refuses
observe refuses
histogram remove refuses
histogram remove refuses
histogram labels refuses
histogram labels refuses
[]
