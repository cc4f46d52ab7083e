--TEST--
labels() returns the same bound object for the same values, and keeps a bounded number of them
--DESCRIPTION--
A metric keeps the objects it has handed out. They follow remove(), fork and wipe, and releasing one may run a script.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}2a1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['a', 'b']);
$get = fn () => $c->labels('GET', '200');
$get();
$get();
var_dump($get() === $get());
[$m, $s] = ['GET', 200];
for ($i = 0; $i < 10; $i++) {
    $c->labels($m, $s)->inc();
    $c->labels('GET', '200')->inc();
    $c->labels(b: '200', a: 'GET')->inc();
    $c->labels(...['GET', '200'])->inc();
}
echo 'one series: ', sample('c_total{a="GET",b="200"}'), "\n";

// A string that is changed where it is.
$text = str_repeat('a', 5);
for ($i = 0; $i < 30; $i++) {
    $text[0] = chr(97 + $i % 3);
    $c->labels($text, 'changed')->inc();
}
echo 'changed: ', sample('c_total{a="aaaaa",b="changed"}'), ' ', sample('c_total{a="caaaa",b="changed"}'), "\n";

// More than are kept, by strings that live on.
$values = array_map(fn ($i) => "v$i", range(0, 99));
for ($i = 0; $i < 300; $i++) {
    $c->labels($values[$i % 100], 'many')->inc();
}
preg_match_all('/^c_total\{a="v\d+",b="many"\} 3$/m', samples(), $found);
echo 'many: ', count($found[0]), "\n";
$before = memory_get_usage();
for ($i = 0; $i < 3000; $i++) {
    $c->labels($values[$i % 100], 'many')->inc();
}
echo memory_get_usage() - $before < 20_000 ? "bounded\n" : "GREW\n";

$get()->inc();
$c->remove(['GET', '200']);
$get();
echo 'shown again: ', sample('c_total{a="GET",b="200"}'), "\n";
$get()->inc();
echo 'after remove(): ', sample('c_total{a="GET",b="200"}'), "\n";
$child = Child::start(fn () => $get()->inc(), fn () => $get()->inc());
$get()->inc();
$child->step();
$child->finish();
echo 'after a fork: ', sample('c_total{a="GET",b="200"}'), "\n";
Segment::wipe();
$get()->inc();
echo 'after a wipe: ', sample('c_total{a="GET",b="200"}'), "\n";

// A kept object is the key of a WeakMap, and what is there is destroyed with it.
final class Told
{
    public function __construct(private Counter $c, private string $name)
    {
    }

    public function __destruct()
    {
        echo "$this->name goes\n";
        $this->c->labels('from', 'destructor')->inc();
        $this->c->labels('GET', '200')->inc();
    }
}
$map = new WeakMap();
$own = new Counter('own_total', '', ['a']);
$own->labels('x');
$map[$own->labels('x')] = new Told($c, 'x');
$own->labels('x')->inc();
echo 'kept: ', count($map), "\n";
for ($i = 0; $i < 100; $i++) {
    $own->labels($values[$i])->inc();
}
echo 'evicted: ', count($map), "\n";
$own->labels('y');
$map[$own->labels('y')] = new Told($c, 'y');
unset($own);
echo 'parent gone: ', count($map), ', counted: ', sample('c_total{a="from",b="destructor"}'), "\n";

// The cycle through the map is collected or not, but the process ends well.
$own = new Counter('own_total', '', ['a']);
$own->labels('z');
$map[$own->labels('z')] = [$own, new Told($c, 'z')];
unset($own);
gc_collect_cycles();
attempt(fn () => $get()->labels('x', 'y'), 'bound');
attempt(fn () => $c->labels('x'), '2 label values');
attempt(fn () => (new Counter('none_total'))->labels('x'), 'no labels');
echo "end\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
bool(true)
one series: 40
changed: 10 10
many: 100
bounded
shown again: 0
after remove(): 1
after a fork: 4
after a wipe: 1
kept: 1
x goes
evicted: 0
y goes
parent gone: 0, counted: 2
%APromshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
end%A
