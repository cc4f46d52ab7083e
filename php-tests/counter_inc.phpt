--TEST--
Counter::inc() adds one
--DESCRIPTION--
The main job. A labelled and an unlabelled counter, and a name that has no series yet.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}001
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$plain = new Counter('plain_total', 'Plain');
$jobs = new Counter('jobs_total', 'Jobs', ['queue', 'status']);
new Counter('silent_total', 'Never counted');
$plain->inc();
$plain->inc();
$jobs->inc(['mail', 'ok']);
$jobs->inc(['mail', 'ok']);
$jobs->inc(['mail', 'failed']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
jobs_total{queue="mail",status="failed"} 1
jobs_total{queue="mail",status="ok"} 2
plain_total 2
silent_total 0
