--TEST--
Gauge::trackInProgress() adds one while the function runs
--DESCRIPTION--
The gauge goes down again whatever the function does: return, throw or end the script.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

$g = new Gauge('g', '', ['a'], GaugeMode::Sum);
$last = new Gauge('last');
$show = fn () => sample('g{a="x"}') . ' ' . sample('last');

var_dump($g->trackInProgress(fn () => $last->trackInProgress($show), ['x']));
echo $show(), "\n";
attempt_in_full(fn () => $g->trackInProgress(function () use ($g, $show) {
    $bound = $g->labels('x');
    echo $bound->trackInProgress(fn () => $bound->trackInProgress($show)), "\n";
    throw new DomainException('its own');
}, ['a' => 'x']));
echo $show(), "\n";

// The handle may be freed while the function runs.
(function () {
    $own = new Gauge('own');
    $own->trackInProgress(function () use (&$own) {
        $own = null;
        echo sample('own'), "\n";
    });
})();
echo sample('own'), "\n";

attempt(fn () => $g->trackInProgress(fn () => print('ran')), 'g needs 1 label value');
attempt(fn () => $g->trackInProgress('no such function', ['x']), 'valid callback');

register_shutdown_function(fn () => print($show() . "\n"));
$g->trackInProgress(fn () => exit, ['x']);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
string(3) "1 1"
0 0
3 0
DomainException: its own
0 0
1
0
Promshm\Exception\InvalidArgumentException
TypeError
0 0
