--TEST--
Without a list nothing is installed
--DESCRIPTION--
No function, no handler, no hook of the compiler: what is not wanted costs nothing. A list with promshm.observe_user=0 leaves the compiler alone.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b7
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$code = 'var_dump(function_exists("\0promshm enter")); function f() {} f(); usleep(1); require "' . __DIR__ . '/common.inc"; require "' . __DIR__ . '/observe.inc"; echo observed();';
echo run_observed('', $code), run_observed('usleep, f', $code, ['promshm.observe_user' => '0']), run_observed('usleep, f', $code, ['promshm.enabled' => '0']);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(false)

bool(false)
calls{function="usleep"} 1
in_flight{function="usleep"} 0
bool(true)
