--TEST--
A call that runs while a generation begins is in flight no more when it ends
--DESCRIPTION--
Its gauge's cell moves meanwhile, and the memory of the old one is given back.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5f5
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

echo run_observed('inner, outer, usort', <<<'PHP'
    function inner() { for ($i = 0; $i < 3; $i++) { Promshm\Segment::compact(); (new Promshm\Counter('c'))->inc(); } }
    function outer() { inner(); $list = [2, 1]; usort($list, function () { Promshm\Segment::compact(); return 0; }); }
    outer();
    $fiber = new Fiber(function () { outer(); Fiber::suspend(); });
    $fiber->start();
    Promshm\Segment::compact();
    $fiber->resume();
    PHP), observed();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
calls{function="inner"} 2
calls{function="outer"} 2
calls{function="usort"} 2
in_flight{function="inner"} 0
in_flight{function="outer"} 0
in_flight{function="usort"} 0
