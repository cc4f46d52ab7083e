--TEST--
A label value that cannot be converted to a string throws
--DESCRIPTION--
Arrays and plain objects have no string form. The update must throw, count nothing and leave the handle usable.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}007
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

function refused(callable $call): void
{
    try {
        $call();
        echo "accepted\n";
    } catch (InvalidArgumentException | TypeError) {
        echo "refused\n";
    }
}
$c = new Counter('c_total', '', ['value']);
foreach ([[], ['x'], new stdClass(), STDIN] as $bad) {
    refused(fn () => $c->inc([$bad]));
    refused(fn () => $c->inc(['value' => $bad]));
    refused(fn () => $c->labels($bad));
}
$c->inc(['good']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
refused
refused
refused
refused
refused
refused
refused
refused
refused
refused
refused
refused
c_total{value="good"} 1
