--TEST--
Processes with different settings share one segment
--DESCRIPTION--
The first to come decides; a later one with a larger size must not fail to attach.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}03e
promshm.size=64M
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

(new Counter('c_total'))->inc();
$code = '(new Counter("c_total"))->inc(); echo Segment::status()["reserved_bytes"], " ", Segment::status()["max_series"], "\n";';
echo run_php($code, ['promshm.size' => '128M', 'promshm.max_series' => 20000, 'promshm.max_processes' => 512]);
echo run_php($code, ['promshm.size' => '32M', 'promshm.max_series' => 5000, 'promshm.max_processes' => 16]);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
67108864 10000
67108864 10000
c_total 3
