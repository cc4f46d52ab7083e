--TEST--
Handles can be dumped, compared, cast, and visited by the cycle collector
--DESCRIPTION--
Debuggers and loggers do all of this to any object, and the native state must support it.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}02f
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['a']);
$bound = $c->labels('x');
ob_start();
var_dump($c, $bound);
print_r($c);
var_export($bound);
ob_end_clean();
var_dump($c == $bound, $c == $c, $c === $c);
var_dump(count((array) $c) >= 0, json_encode($bound));
foreach ($c as $nothing) {
}
$cycle = new ArrayObject([$c]);
$cycle[] = $cycle;
unset($cycle, $c);
gc_collect_cycles();
$bound->inc();
attempt(fn () => $bound->__construct('another_total'));
$bound->inc();
echo "alive\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
bool(%s)
bool(true)
bool(true)
bool(true)
string(2) "{}"
%s
alive
