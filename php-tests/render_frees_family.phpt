--TEST--
Values that __toString() or the error handler frees during rendering are rendered
--DESCRIPTION--
render() goes on with the families of its array while scripts run, and those may overwrite what it refers to.
--FILE--
<?php
use Promshm\{MetricFamilySamples, RenderTextFormat};

class Label
{
    public function __construct(private Closure $when)
    {
    }

    public function __toString(): string
    {
        ($this->when)();
        return 'label';
    }
}

function family(string $name, mixed ...$values): MetricFamilySamples
{
    $samples = [];
    foreach ($values as $number => $value) {
        $samples[] = ['name' => "{$name}_$number", 'labelNames' => ['a'], 'labelValues' => [$value], 'value' => $number];
    }
    return new MetricFamilySamples(
        ['name' => $name, 'type' => 'gauge', 'help' => "Help of $name", 'labelNames' => [], 'samples' => $samples]
    );
}

/** Frees its argument and allocates other values in its memory. */
function free(mixed &...$all): void
{
    foreach ($all as &$one) {
        $one = null;
    }
    for ($i = 0; $i < 500; $i++) {
        $GLOBALS['junk'][] = str_repeat(chr(65 + $i % 26), 8 + $i % 120);
    }
}

$render = fn (array $families) => print((new RenderTextFormat())->render($families));
$frees = function () use (&$first, &$second) {
    free($first, $second);
};

$first = family('b', new Label($frees), 'x');
$second = family('c', 'y');
$families = [&$second, &$first];
$render($families);

set_error_handler($frees);
$first = family('d', ['an array'], 'x');
$second = family('e', 'y');
$families = [&$second, &$first];
$render($families);
restore_error_handler();

// A reference within the label values.
$inner = new Label(function () use (&$inner) {
    free($inner);
});
$render([family('f', 'x'), new MetricFamilySamples([
    'name' => 'g', 'type' => 'gauge', 'help' => '', 'labelNames' => [],
    'samples' => [['name' => 'g', 'labelNames' => ['a'], 'labelValues' => [&$inner], 'value' => 1]],
])]);

// The first exception ends rendering.
$throws = fn (string $message) => new Label(fn () => throw new DomainException($message));
$calls = 0;
$counts = new Label(function () use (&$calls) {
    $calls++;
});
try {
    $render([family('h', $throws('first'), $counts, $throws('second'))]);
} catch (DomainException $thrown) {
    var_dump($thrown->getMessage(), $thrown->getPrevious(), $calls);
}
set_error_handler(fn () => throw new ErrorException('from the handler'));
try {
    $render([family('i', ['an array'], $counts)]);
} catch (ErrorException $thrown) {
    var_dump($thrown->getMessage(), $calls);
}
?>
--EXPECT--
# HELP b Help of b
# TYPE b gauge
b_0{a="label"} 0
b_1{a="x"} 1
# HELP c Help of c
# TYPE c gauge
c_0{a="y"} 0
# HELP d Help of d
# TYPE d gauge
d_0{a="Array"} 0
d_1{a="x"} 1
# HELP e Help of e
# TYPE e gauge
e_0{a="y"} 0
# HELP f Help of f
# TYPE f gauge
f_0{a="x"} 0
# TYPE g gauge
g{a="label"} 1
string(5) "first"
NULL
int(0)
string(16) "from the handler"
int(0)
