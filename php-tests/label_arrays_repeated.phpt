--TEST--
Arrays of labels that come again name the series of their present values
--DESCRIPTION--
A handler remembers arrays, keys, strings and integers by their identities; none of them may stand for a series after it changed.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}2a0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram, Segment};

$c = new Counter('c_total', '', ['a', 'b']);
function count_all(Counter $c, string $a, int|string $b): void
{
    $c->inc(['a' => 'lit', 'b' => '200']);
    $c->inc(['b' => '200', 'a' => 'lit']);
    $c->inc(['lit', '200']);
    $c->inc(['lit', 200]);
    $c->inc(['a' => $a, 'b' => $b]);
    $c->inc(['b' => $b, 'a' => $a]);
    $c->inc([$a, $b]);
    $c->inc([1 => $b, 0 => $a]);
}
$lit = 'l' . strtolower('IT');
for ($i = 0; $i < 40; $i++) {
    count_all($c, $lit, $i & 1 ? 200 : '200');
}
echo 'one series: ', sample('c_total{a="lit",b="200"}'), "\n";

// Integers of all sizes, and those next to them.
foreach ([0, -1, 1, PHP_INT_MAX, PHP_INT_MIN, PHP_INT_MAX >> 1, PHP_INT_MIN >> 1, (PHP_INT_MAX >> 1) + 1] as $number) {
    for ($i = 0; $i < 3; $i++) {
        $c->inc(['int', $number]);
        $c->inc(['int', "$number"]);
    }
    echo $number, ': ', sample("c_total{a=\"int\",b=\"$number\"}"), "\n";
}

// A variable's array is changed where it is, after it has come often enough to be remembered.
$list = ['v', 'x'];
$keyed = ['a' => 'v', 'b' => 'x'];
$numbers = ['v', 7];
for ($round = 0; $round < 3; $round++) {
    foreach (['x', 'y' . $round, 'z'] as $value) {
        $list[1] = $keyed['b'] = $value;
        $numbers[1] = 7 + $round;
        for ($i = 0; $i < 12; $i++) {
            $c->inc($list);
            $c->inc($keyed);
            $c->inc($numbers);
        }
    }
}
foreach (['x', 'y0', 'y1', 'y2', 'z', '7', '8', '9'] as $value) {
    echo $value, ': ', sample("c_total{a=\"v\",b=\"$value\"}"), "\n";
}

// A reference in an array changes without the array.
$value = 'r0';
$list = ['ref', &$value];
$keyed = ['a' => 'ref', 'b' => &$value];
for ($i = 0; $i < 30; $i++) {
    $value = 'r' . intdiv($i, 10);
    $c->inc($list);
    $c->inc($keyed);
}
foreach (['r0', 'r1', 'r2'] as $name) {
    echo $name, ': ', sample("c_total{a=\"ref\",b=\"$name\"}"), "\n";
}

// Holes, and keys that are no labels.
$holes = ['gone', 'hole', 'h'];
unset($holes[0]);
attempt(fn () => $c->inc($holes), 'label a is missing');
$keyed = ['gone' => 1, 'a' => 'hole', 'b' => 'h'];
unset($keyed['gone']);
for ($i = 0; $i < 12; $i++) {
    $c->inc($keyed);
}
echo 'hole: ', sample('c_total{a="hole",b="h"}'), "\n";
for ($i = 0; $i < 12; $i++) {
    try {
        $c->inc(['a' => 'lit', 'c' => '200']);
        echo "nothing thrown\n";
    } catch (Promshm\Exception\InvalidArgumentException) {
    }
}

// A literal that is remembered, across remove(), a fork and a wipe.
$literal = fn () => $c->inc(['a' => 'life', 'b' => '1']);
for ($i = 0; $i < 20; $i++) {
    $literal();
}
$c->remove(['life', '1']);
$literal();
echo 'after remove(): ', sample('c_total{a="life",b="1"}'), "\n";
for ($i = 0; $i < 20; $i++) {
    $literal();
}
$child = Child::start($literal, $literal);
$literal();
$child->step();
$child->finish();
echo 'after a fork: ', sample('c_total{a="life",b="1"}'), "\n";
for ($i = 0; $i < 20; $i++) {
    $literal();
}
Segment::wipe();
$literal();
echo 'after a wipe: ', sample('c_total{a="life",b="1"}'), "\n";

$h = new Histogram('h', '', ['a', 'b'], [1]);
for ($i = 0; $i < 20; $i++) {
    $h->observe(0.5, ['a' => 'x', 'b' => 'y']);
    $h->observe(0.5, ['b' => 'y', 'a' => 'x']);
    $c->incBy(2, ['b' => 'y', 'a' => 'x']);
}
echo 'observed: ', sample('h_count{a="x",b="y"}'), ', incBy: ', sample('c_total{a="x",b="y"}'), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
one series: 320
0: 6
-1: 6
1: 6
9223372036854775807: 6
-9223372036854775808: 6
4611686018427387903: 6
-4611686018427387904: 6
4611686018427387904: 6
x: 72
y0: 24
y1: 24
y2: 24
z: 72
7: 36
8: 36
9: 36
r0: 20
r1: 20
r2: 20
Promshm\Exception\InvalidArgumentException
hole: 12
after remove(): 1
after a fork: 24
after a wipe: 1
observed: 40, incBy: 40
