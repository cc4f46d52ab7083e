--TEST--
A new label string at a reused address is a new value
--DESCRIPTION--
A handler that remembers strings by their addresses must notice that others live there now.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}055
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['a', 'b']);

// A built string is freed after each call, and the next one is allocated at the same address.
for ($i = 0; $i < 2600; $i++) {
    $c->inc([chr(97 + $i % 26) . 'built', 'x']);
    $c->inc(['a' => 'x', 'b' => chr(97 + $i % 13) . 'keyed']);
}

// A string with one owner is changed in place.
$text = str_repeat('a', 5);
for ($i = 0; $i < 26; $i++) {
    $text[0] = chr(97 + $i);
    $c->inc([$text, 'changed']);
}
for ($i = 0; $i < 5; $i++) {
    $text .= '+';
    $c->inc([$text, 'grown']);
}

// An array with one owner is changed in place, and its values move.
$labels = ['first', 'array'];
$c->inc($labels);
$labels[0] = 'second';
$c->inc($labels);
[$labels[1], $labels[0]] = ['array', 'first'];
$c->inc($labels);

// Literals of code that is compiled and freed.
for ($i = 0; $i < 26; $i++) {
    eval('$c->inc(["' . chr(97 + $i) . 'literal", "eval"]);');
}

/** How often each value was counted, and how many values there are. */
function tally(string $pattern): string
{
    preg_match_all($pattern, samples(), $found);
    return count($found[1]) . ' x ' . implode('|', array_unique($found[1])) . "\n";
}
echo 'built: ', tally('/^c_total\{a="[a-z]built",b="x"\} (\d+)$/m');
echo 'keyed: ', tally('/^c_total\{a="x",b="[a-m]keyed"\} (\d+)$/m');
echo 'changed: ', tally('/^c_total\{a="[a-z]aaaa",b="changed"\} (\d+)$/m');
echo 'grown: ', tally('/^c_total\{a="zaaaa\++",b="grown"\} (\d+)$/m');
echo 'literal: ', tally('/^c_total\{a="[a-z]literal",b="eval"\} (\d+)$/m');
echo 'array: ', sample('c_total{a="first",b="array"}'), ' ', sample('c_total{a="second",b="array"}'), "\n";
echo 'series: ', Segment::status()['series'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
built: 26 x 100
keyed: 13 x 200
changed: 26 x 1
grown: 5 x 1
literal: 26 x 1
array: 2 1
series: 98
