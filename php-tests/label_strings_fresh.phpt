--TEST--
Label values that are new strings at each call are counted in their own series
--DESCRIPTION--
They are found by their texts. Texts of one length that begin and end alike, a number and its digits, and more texts than are
remembered must not be taken for each other; nor may a text that was remembered for a segment that is gone.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0fa
promshm.max_series_per_metric=100%
memory_limit=512M
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter};

/** Values of each length, among them some that differ in one byte alone. */
function texts(): array
{
    $texts = ['', "\u{e9}", "\u{20ac}uro", "a\u{0}b", '0', '7', '-7', '007', '36028797018963967', '36028797018963968'];
    for ($length = 1; $length <= 40; $length++) {
        $text = str_repeat('x', $length);
        $texts[] = $text;
        for ($place = 0; $place < $length; $place++) {
            $texts[] = substr_replace($text, 'y', $place, 1);
        }
    }
    return $texts;
}

$texts = [...texts(), ...array_map(fn (int $i): string => "n$i", range(1, 1500))];
$fresh = fn (string $text): string => substr("$text!", 0, -1);

/** Whether the counter has these totals, by the texts of its labels. */
function has(array $expected): bool
{
    [$family] = (new CollectorRegistry(null, false))->getMetricFamilySamples();
    $found = [];
    foreach ($family->getSamples() as $sample) {
        $found[json_encode($sample->getLabelValues())] = $sample->getValue();
    }
    ksort($found);
    ksort($expected);
    return $found == $expected;
}

$counter = new Counter('c_total', '', ['a', 'b']);
$ways = [
    'counted' => fn (): Counter => $counter,
    'counted again after clear()' => fn (): Counter => $counter,
    'counted by an object for each call' => fn (): Counter => new Counter('c_total', '', ['a', 'b']),
];
foreach ($ways as $way => $object) {
    $expected = [];
    for ($round = 1; $round <= 3; $round++) {
        foreach ($texts as $number => $text) {
            $object()->incBy($number + 1, [$fresh($text), $fresh('200')]);
            $object()->incBy(1, [(string) (int) $text === $text ? (int) $text : $fresh($text), 200]);
            $key = json_encode([$text, '200']);
            $expected[$key] = ($expected[$key] ?? 0) + $number + 2;
        }
    }
    echo $way, ': ', count($expected), ' series, ', has($expected) ? 'right' : 'wrong', "\n";
    $counter->clear();
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
counted: 2370 series, right
counted again after clear(): 2370 series, right
counted by an object for each call: 2370 series, right
