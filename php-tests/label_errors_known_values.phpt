--TEST--
Too few label values throw, also when they are the beginning of a known list
--DESCRIPTION--
Recently used series are recognised by addresses, and a list that is the beginning of another one must not match it.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0f5
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Exception\InvalidArgumentException};

$c = new Counter('c_total', '', ['queue', 'status']);
$refused = 0;
for ($i = 0; $i < 2000; $i++) {
    $long = ["queue $i", "done $i"];
    for ($j = 0; $j < 3; $j++) {
        $c->inc($long);
    }
    foreach ([[$long[0]], [...$long, 'more']] as $wrong) {
        try {
            $c->inc($wrong);
        } catch (InvalidArgumentException) {
            $refused++;
        }
    }
}
echo $refused, " refused\n";
preg_match_all('/^c_total\{.* (\d+)$/m', samples(), $totals);
echo array_sum($totals[1]), " counted\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
4000 refused
6000 counted
