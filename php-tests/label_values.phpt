--TEST--
Label values of other scalar types are converted to strings
--DESCRIPTION--
Ints crash some clients, and PHP's own cast turns true into 1 and false into nothing.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}005
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

final class Text implements Stringable
{
    public function __toString(): string
    {
        return 'object';
    }
}
$c = new Counter('c_total', '', ['value']);
foreach ([7, '7', -1, 0.5, 2.0, true, false, null, '', 'text', new Text()] as $value) {
    $c->inc([$value]);
}
foreach ([7, '7', -1, 0.5, 2.0, true, false, '', 'text', new Text()] as $value) {
    $c->labels($value)->inc();
}
$c->inc(['value' => 7]);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{value=""} 3
c_total{value="-1"} 2
c_total{value="0.5"} 2
c_total{value="2"} 2
c_total{value="7"} 5
c_total{value="false"} 2
c_total{value="object"} 2
c_total{value="text"} 2
c_total{value="true"} 2
