--TEST--
Sample dereferences references within its array
--DESCRIPTION--
Arrays hold references once a foreach or a closure has taken one; PHP's own functions look through them.
--FILE--
<?php
use Promshm\{MetricFamilySamples, RenderTextFormat, Sample};

$name = 'n';
$names = ['a'];
$label = 'x';
$values = [&$label];
$value = 2.5;
$sample = ['name' => &$name, 'labelNames' => &$names, 'labelValues' => &$values, 'value' => &$value];
$one = new Sample($sample);
$type = 'gauge';
$help = 'h';
$none = [];
$samples = [&$sample];
$data = ['name' => &$name, 'type' => &$type, 'help' => &$help, 'labelNames' => &$none, 'samples' => &$samples];
$family = new MetricFamilySamples($data);
[$name, $type, $help, $value, $names, $none, $samples] = ['changed', 'changed', 'changed', 7, [], ['changed'], []];
var_dump($one->getName(), $one->getLabelNames(), $one->getValue(), $one->getLabelValues()[0]);
echo (new RenderTextFormat())->render([&$family]);
?>
--EXPECT--
string(1) "n"
array(1) {
  [0]=>
  string(1) "a"
}
string(3) "2.5"
string(1) "x"
# HELP n h
# TYPE n gauge
n{a="x"} 2.5
