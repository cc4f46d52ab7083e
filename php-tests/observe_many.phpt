--TEST--
Functions above the limit count together
--DESCRIPTION--
A list may name all functions of an application.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0bc
promshm.runtime_metrics=0
promshm.observe_max_functions=3
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

echo run_observed('f*', 'foreach (range(1, 9) as $i) { eval("function f$i() {} f$i();"); }'), observed();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
calls{function="f1"} 1
calls{function="f2"} 1
calls{function="f3"} 1
calls{function="other"} 6
in_flight{function="f1"} 0
in_flight{function="f2"} 0
in_flight{function="f3"} 0
in_flight{function="other"} 0
