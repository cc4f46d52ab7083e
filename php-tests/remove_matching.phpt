--TEST--
removeMatching() and clear() remove series in all processes, and those start from zero
--DESCRIPTION--
A process that keeps a handle must not count into a removed series. A label value may be an object whose text is made by
a script, which may throw, or change the array.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}100
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Gauge;

final class Text implements Stringable
{
    public function __construct(private Closure $make)
    {
    }

    public function __toString(): string
    {
        return ($this->make)();
    }
}

$g = new Gauge('g', '', ['device', 'sensor']);
$bound = $g->labels(2, 'a');
$child = Child::start(
    fn () => $bound->set(7),
    function () use ($bound) { $bound->inc(); $bound->inc(); },
    fn () => $bound->inc(),
);
$g->set(1, [1, 'a']);
$g->set(1, [2, 'b']);
$bound->inc();
var_dump($g->removeMatching(['device' => 2]));
echo samples();
$child->step();
$bound->inc();
echo samples();
var_dump($g->clear(), samples());
$child->step();
echo samples();

$labels = ['device' => null, 'sensor' => 'a'];
$labels['device'] = new Text(function () use (&$labels) { $labels = []; return '2'; });
var_dump($g->removeMatching($labels));
attempt_in_full(fn () => $g->removeMatching(['device' => new Text(fn () => throw new RuntimeException('no text'))]));
attempt_in_full(fn () => $g->removeMatching());
attempt_in_full(fn () => $g->removeMatching('x'));
attempt_in_full(fn () => $g->clear(1));
echo samples();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
int(2)
g{device="1",sensor="a"} 1
g{device="1",sensor="a"} 1
g{device="2",sensor="a"} 3
int(2)
string(0) ""
g{device="2",sensor="a"} 1
int(1)
RuntimeException: no text
ArgumentCountError: Promshm\Gauge::removeMatching() expects exactly 1 argument, 0 given
TypeError: Promshm\Gauge::removeMatching(): Argument #1 ($labels) must be of type array, string given
ArgumentCountError: Promshm\Gauge::clear() expects exactly 0 arguments, 1 given
