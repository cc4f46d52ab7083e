--TEST--
Label values with equal PHP hashes are separate series
--DESCRIPTION--
Such values are easy to make, and a client chooses them. The first few lie in one table, all others in a second one; each series must keep its own total through both, and the work for each must not grow with their number.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}207
promshm.max_series_per_metric=100%
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

/** Strings of 2 × $pairs bytes that all have one hash: "Ez" and "FY" have the same. */
function colliding(int $pairs): iterable
{
    for ($i = 0; $i < 1 << $pairs; $i++) {
        yield strtr(str_pad(decbin($i), $pairs, '0', STR_PAD_LEFT), ['0' => 'Ez', '1' => 'FY']);
    }
}
$c = new Counter('c_total', '', ['a']);
for ($round = 1; $round <= 3; $round++) {
    foreach (colliding(12) as $number => $value) {
        $c->incBy($number, [$value]);
        $number % 3 === 0 && $c->labels($value)->inc();
    }
}
preg_match_all('/^c_total\{a="(\w+)"\} (\d+)$/m', samples(), $found, PREG_SET_ORDER);
$wrong = 0;
foreach ($found as [, $value, $total]) {
    $number = bindec(strtr($value, ['Ez' => '0', 'FY' => '1']));
    $wrong += (int) $total !== 3 * ($number + ($number % 3 === 0 ? 1 : 0));
}
echo count($found), " series, $wrong wrong\n";
var_dump($c->remove([str_repeat('Ez', 12)]), $c->remove([str_repeat('FY', 12)]));
$c->inc([str_repeat('FY', 12)]);
var_dump(sample('c_total{a="' . str_repeat('FY', 12) . '"}'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
4096 series, 0 wrong
bool(true)
bool(true)
string(1) "1"
