--TEST--
Label values beyond a metric's limit that come again are remembered, however many came before, and none is lost
--DESCRIPTION--
Whoever sends ever new values must not make those that come again cost a lookup in the segment each time.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}7d2
promshm.max_series_per_metric=2
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$lookups = fn () => Segment::status()['overflows']['c_total'];
$c = new Counter('c_total', '', ['a']);
$c->inc(['own']);
$c->inc(['too']);
for ($i = 0; $i < 3000; $i++) {
    $c->inc(["once $i"]);
}
var_dump($lookups());
for ($turn = 0; $turn < 100; $turn++) {
    for ($i = 0; $i < 50; $i++) {
        $c->inc(["again $i"]);
    }
}
$more = $lookups() - 3000;
var_dump($more >= 50 && $more < 1000 ?: $more);
for ($i = 0; $i < 3000; $i++) {
    $c->inc(["once $i"]);
}
echo sample('c_total{a="other"}'), "\n";
echo "a removal gives a value that was remembered its own series:\n";
$c->remove(['too']);
$c->inc(['again 7']);
$c->inc(['again 8']);
show();
echo "so does a removal of the common one, which comes back:\n";
$c->remove(['other']);
$c->inc(['once 1']);
$c->inc(['again 8']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
int(3000)
bool(true)
11000
a removal gives a value that was remembered its own series:
c_total{a="again 7"} 1
c_total{a="other"} 11001
c_total{a="own"} 1
so does a removal of the common one, which comes back:
c_total{a="again 7"} 1
c_total{a="once 1"} 1
c_total{a="other"} 1
c_total{a="own"} 1
