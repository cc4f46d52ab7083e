--TEST--
Objects made for one call find the series of earlier ones, and refuse what those refuse
--DESCRIPTION--
A request constructs its metrics anew. What former objects of the metric were asked for is found by the texts of the label
values, without the checks of the slow way: so too few values, whose missing one was empty in a remembered set, and values
for an object that is bound must not be found there, nor may a list of names in another order, or another registry's labels,
lead to the series of the first.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0f6
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, Gauge, Histogram};

$counter = fn (array $names = ['a', 'b']): Counter => new Counter('c_total', '', $names);
for ($i = 0; $i < 5; $i++) {
    $counter()->inc(['x', '']);
    $counter()->inc(['', 'x']);
    $counter()->inc(['seven77', 'eight888']);
    $counter(['b', 'a'])->inc(['x', '']);
    (new CollectorRegistry(null, false, ['c' => 'y']))->getOrRegisterCounter('', 'd_total', '', ['a'])->inc(['x']);
    (new CollectorRegistry(null, false, ['c' => 'z']))->getOrRegisterCounter('', 'd_total', '', ['a'])->inc(['x']);
    (new Histogram('h', '', ['a'], [1, 2]))->observe(1.5, ['x']);
    (new Gauge('g', '', ['a']))->set($i, ['x']);
    (new Counter('plain_total'))->inc();
}
foreach ([
    'too few' => fn () => $counter()->inc(['x']),
    'too many' => fn () => $counter()->inc(['x', '', '']),
    'none' => fn () => $counter()->inc(),
    'bound' => fn () => $counter()->labels('x', '')->inc(['x', '']),
    'without labels' => fn () => (new Counter('plain_total'))->inc(['']),
] as $case => $call) {
    try {
        $call();
        echo "$case: counted\n";
    } catch (InvalidArgumentException) {
        echo "$case: refused\n";
    }
}
$counter()->remove(['x', '']);
$counter()->inc(['x', '']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
too few: refused
too many: refused
none: refused
bound: refused
without labels: refused
c_total{a="",b="x"} 10
c_total{a="seven77",b="eight888"} 5
c_total{a="x",b=""} 1
d_total{a="x",c="y"} 5
d_total{a="x",c="z"} 5
g{a="x"} 4
h_bucket{a="x",le="1.0"} 0
h_bucket{a="x",le="2.0"} 5
h_bucket{a="x",le="+Inf"} 5
h_sum{a="x"} 7.5
h_count{a="x"} 5
plain_total 5
