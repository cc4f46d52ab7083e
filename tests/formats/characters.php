<?php
// Puts each text of a file, one hexadecimal a line, wherever a text can go, and tells what was refused.

use Promshm\{Counter, Histogram};

const PLACES = ['metric name', 'label name', 'label value', 'help', 'exemplar name', 'exemplar value'];

$refused = array_fill_keys(PLACES, []);
$place = function (string $place, int $number, callable $put) use (&$refused): void {
    try {
        $put();
    } catch (Promshm\Exception\ExceptionInterface) {
        $refused[$place][] = $number;
    }
};
$values = new Counter('values_total', 'A text as a value.', ['number', 'text']);
$carriers = new Counter('carriers_total', 'A text as an exemplar.', ['number']);
$named = new Counter('named_total', "A text as the name of an exemplar's label.", ['number']);
$seconds = new Histogram('carriers_seconds', 'A text as a bucket\'s exemplar.', ['number'], [1]);
foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $number => $hex) {
    $text = hex2bin($hex);
    $place('metric name', $number, fn() => (new Counter($text, 'A text as a name.'))->inc());
    $place('label name', $number, fn() => (new Counter("label_{$number}_total", '', [$text]))->inc(['x']));
    $place('label value', $number, fn() => $values->inc([$number, $text]));
    $place('help', $number, fn() => (new Counter("help_{$number}_total", $text))->inc());
    $place('exemplar name', $number, fn() => $named->inc([$number], [$text => 'x']));
    $place('exemplar value', $number, function () use ($number, $text, $carriers, $seconds) {
        $carriers->inc([$number], ['trace_id' => $text]);
        $seconds->observe(0.5, [$number], ['trace_id' => $text]);
    });
}
echo 'refused: ', json_encode($refused), "\n";
stream_get_contents(STDIN);
