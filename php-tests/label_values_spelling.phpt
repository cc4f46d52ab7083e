--TEST--
Constant labels and other labels are formatted alike; floats as with precision=-1
--DESCRIPTION--
A constant label true was "1" beside "true", and floats followed the ini setting precision, by which two servers name one series differently. An ordinary float label had no power of ten where PHP writes one.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}208
promshm.max_series_per_metric=100%
promshm.runtime_metrics=0
precision=3
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter};

$values = [1.23456789, true, false, 1e25, 0.1 + 0.2, -0.0, NAN, -INF, 5, null, "a\xff"];
$names = array_map(fn (int $number) => "constant$number", array_keys($values));
$registry = new CollectorRegistry(null, false, array_combine($names, $values));
$registry->registerCounter('', 'c_total', '', str_replace('constant', 'label', $names))->inc($values);
preg_match_all('/(\w+?)\d+="(.*?)"/', samples(), $found);
[$labels, $constants] = array_chunk($found[2], count($values));
echo implode(' ', $labels), "\n", $labels === $constants ? "alike\n" : implode(' ', $constants) . "\n";

attempt_in_full(fn () => new CollectorRegistry(null, false, ['a' => [1]]));
attempt_in_full(fn () => new CollectorRegistry(null, false, ['a' => new stdClass()]));

$c = new Counter('float_total', '', ['value']);
mt_srand(1);
$floats = [1e14, 1e15, 1e16, 99999999999999990.0, 1e17, 1.5e17, 1e18, 0.001, 0.0001, 0.00012, 0.00001, 5e-324, PHP_FLOAT_MAX];
for ($i = 0; $i < 1000; $i++) {
    $floats[] = mt_rand() / mt_rand(1, 1000) * 10.0 ** mt_rand(-25, 25);
}
foreach ($floats as $float) {
    $c->inc([$float]);
}
ini_set('precision', '-1');
$expected = array_unique(array_map(strval(...), $floats));
preg_match_all('/^float_total\{value="(.*)"\} 1$/m', samples(), $found);
echo count(array_intersect($expected, $found[1])) === count($expected) ? "as PHP\n" : "not as PHP\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
1.23456789 true false 1.0E+25 0.30000000000000004 -0 NAN -INF 5  a�
alike
Promshm\Exception\InvalidArgumentException: Constant label a must be a string, a number, a bool, an enum or Stringable, but is an array
Promshm\Exception\InvalidArgumentException: Constant label a must be a string, a number, a bool, an enum or Stringable, but is an object of class stdClass
as PHP
