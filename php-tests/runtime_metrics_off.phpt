--TEST--
promshm.runtime_metrics=0 publishes no process metrics
--DESCRIPTION--
Prometheus services that bill per series make these metrics cost money.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0c5
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total');
for ($i = 0; $i < 100_000; $i++) {
    $c->inc();
}
usleep(1_100_000); // A worker tells once a second: no event but the time says that it would have.
$c->inc();
show();
echo count(told()), "\n";
echo run_php('(new Counter("c_total"))->inc(); echo count(told()), "\n";', ['promshm.runtime_metrics' => 'On']);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total 100001
0
7
