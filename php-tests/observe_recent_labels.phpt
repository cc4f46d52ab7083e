--TEST--
Values of one label are told apart, however often they change
--DESCRIPTION--
A function with one label finds its latest series by the lowest bits of the value's hash, without looking into the table. Two values with the same bits must not count together, nor a value that was freed and another one at its address.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}7c4
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$code = <<<'PHP'
function f($x) {}
function byReference(&$x) {}
for ($round = 0; $round < 3; $round++) {
    for ($i = 0; $i < 60; $i++) {
        f("value" . $i);
        f($i);
        f((string) $i);
    }
}
$text = 'a';
byReference($text);
$text = 'b' . getmypid();
$text = 'b';
byReference($text);
f(null);
f('');
PHP;
run_observed('f{x=arg1} as plain, byReference{x=arg1} as referenced', $code);
preg_match_all('/^(\w+)_duration_seconds_count\{x="(.*)"\} (\d+)$/m', Promshm\Segment::render(), $found, PREG_SET_ORDER);
foreach ($found as [, $name, $value, $count]) {
    $kind = $name . preg_replace('/\d+/', ' N', " $value");
    $kinds[$kind][] = $count;
}
foreach ($kinds as $kind => $counts) {
    echo $kind, ': ', count($counts), ' of ', implode(', ', array_unique($counts)), "\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
plain  N: 50 of 6
plain other: 1 of 92
plain value N: 50 of 3
referenced a: 1 of 1
referenced b: 1 of 1
