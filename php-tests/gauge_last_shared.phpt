--TEST--
Processes that add to one last gauge in turn lose no update
--DESCRIPTION--
Its cell is the only one that several processes write: it needs an atomic add, and survives all of them.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}016
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Gauge;

$g = new Gauge('g');
$g->set(10);
$work = function () use ($g) {
    for ($i = 0; $i < 5000; $i++) {
        $g->inc();
        $g->decBy(0.5);
    }
};
$children = [Child::start(fn () => 0, $work), Child::start(fn () => 0, $work), Child::start(fn () => 0, $work)];
foreach ($children as $child) {
    $child->step();
}
$work();
show();
foreach ($children as $child) {
    $child->finish();
}
echo run_php('(new Gauge("g"))->inc(); show();');
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
g 10010
g 10011
