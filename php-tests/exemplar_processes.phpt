--TEST--
Exemplars of forked children, of the slot's next owner, and of processes without a slot
--DESCRIPTION--
Each place for exemplars has one writer, so a child must not write its parent's place, and slot 0 has no places.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0c2
promshm.max_processes=2
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total');
$count = function (string $id) use ($c): void {
    for ($i = 0; $i < 10; $i++) {
        $c->inc(exemplar: ['trace_id' => "$id$i"]);
    }
};
$count('parent');
$child = Child::start(fn () => $count('child'));
$third = Child::start(fn () => $count('third'), fn () => $count('again'));
$count('parent');
echo sample('c_total'), ' counted, ', Segment::status()['dropped']['exemplar'], " dropped: the third has no slot\n";
$child->kill();
$third->step();
$third->finish();
$used = Segment::status()['used_bytes'];
foreach (range(1, 5) as $life) {
    $heir = Child::start(fn () => $count("heir $life "));
    echo $life === 3 ? $heir->finish() : $heir->kill();
}
echo "\n", sample('c_total'), ' counted, ', Segment::status()['dropped']['exemplar'], " dropped\n";
echo Segment::status()['used_bytes'] - $used, " bytes more for five heirs\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
40 counted, 10 dropped: the third has no slot
0
100 counted, 20 dropped
0 bytes more for five heirs
