--TEST--
A label's __toString() may throw, count, or change the array of labels
--DESCRIPTION--
It runs PHP code in the middle of an update, while the handler looks at the array.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}008
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

final class Nasty
{
    public function __construct(private Closure $do)
    {
    }

    public function __toString(): string
    {
        return ($this->do)();
    }
}
$c = new Counter('c_total', '', ['a', 'b']);

attempt_in_full(fn () => $c->inc([new Nasty(fn () => throw new LogicException('mine')), 'b']));
attempt_in_full(fn () => $c->labels('a', new Nasty(fn () => throw new LogicException('mine too'))));

$c->inc([new Nasty(function () use ($c) {
    $c->inc(['inner', 'inner']);
    return 'outer';
}), 'outer']);

$labels = ['a' => null, 'b' => 'kept'];
$labels['a'] = new Nasty(function () use (&$labels) {
    $labels = [];
    return 'gone';
});
$c->inc($labels);

$c->inc([new Nasty(function () {
    Segment::wipe();
    return 'wiped';
}), 'x']);
$c->inc(['after', 'x']);
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
LogicException: mine
LogicException: mine too
c_total{a="after",b="x"} 1
c_total{a="wiped",b="x"} 1
