--TEST--
Without strict types, scalars are coerced as PHP does
--DESCRIPTION--
Numbers from a database or a query string arrive as strings.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}032
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram};

$c = new Counter('c_total', '', ['case']);
$c->incBy('3', ['int string']);
$c->incBy('0.5', ['float string']);
$c->incBy(true, ['bool']);
$g = new Gauge('g', '', ['case']);
$g->set('2.5', ['string']);
$g->set(true, ['bool']);
(new Histogram('h', '', [], [0.5, 1]))->observe('0.25');
(new Counter(new class {
    public function __toString(): string
    {
        return 'object_total';
    }
}))->inc();
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{case="bool"} 1
c_total{case="float string"} 0.5
c_total{case="int string"} 3
g{case="bool"} 1
g{case="string"} 2.5
h_bucket{le="0.5"} 1
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 0.25
h_count 1
object_total 1
