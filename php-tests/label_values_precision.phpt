--TEST--
The ini setting precision affects neither values nor labels
--DESCRIPTION--
PHP's string conversion of floats depends on it; two servers with different settings must name one series alike.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}006
precision=3
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Gauge;

$g = new Gauge('g', '', ['value']);
$g->set(0.123456789, [0.123456789]);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
g{value="0.123456789"} 0.123456789
