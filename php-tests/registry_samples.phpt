--TEST--
getMetricFamilySamples() and RenderTextFormat give the exporter's page
--DESCRIPTION--
Numbers of all processes, with all their digits whatever precision says; help texts and labels are escaped.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a3
promshm.runtime_metrics=0
precision=3
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, MetricFamilySamples, RenderTextFormat, Sample, Segment};

$registry = new CollectorRegistry(null, false);
$render = new RenderTextFormat();
var_dump($registry->getMetricFamilySamples(), $render->render([]));

$registry->getOrRegisterCounter('app', 'jobs_total', "Jobs \\ \n done.", ['queue', 'class'])->incBy(1234567.5, ['a"b', "x\ny"]);
$registry->getOrRegisterGauge('', 'none', '')->set(-INF);
$registry->getOrRegisterHistogram('app', 'seconds', 'Time.', ['queue'], [0.5, 1])->observe(0.75, ['mail']);
run_php('(new Histogram("app_seconds", "Time.", ["queue"], [0.5, 1]))->observe(0.1, ["mail"]);');

$families = $registry->getMetricFamilySamples();
foreach ($families as $family) {
    echo $family->getType(), ' ', json_encode([$family->getName(), $family->getHelp(), $family->getLabelNames(), $family->hasLabelNames()]), "\n";
    foreach ($family->getSamples() as $sample) {
        echo '  ', json_encode([$sample->getName(), $sample->getLabelNames(), $sample->getLabelValues(), $sample->getValue(), $sample->hasLabelNames()]), "\n";
    }
}
$sorted = fn (string $page) => array_count_values(explode("\n", $page));
var_dump(RenderTextFormat::MIME_TYPE, $sorted($render->render(array_reverse($families))) == $sorted(Segment::render()));

// Families constructed by a program.
$own = new MetricFamilySamples(['name' => 'own', 'type' => 'gauge', 'help' => 'Of its own.', 'labelNames' => ['a'], 'samples' => [
    ['name' => 'own', 'labelNames' => ['b'], 'labelValues' => [1, 'two'], 'value' => '3'],
    ['name' => 'own', 'labelNames' => [], 'labelValues' => [1], 'value' => 0.1],
]]);
echo $render->render([$own]);
$bad = new MetricFamilySamples(['name' => 'bad', 'type' => 'gauge', 'help' => '', 'labelNames' => ['a'], 'samples' => [
    ['name' => 'bad', 'labelNames' => [], 'labelValues' => [], 'value' => 1],
]]);
attempt_in_full(fn () => $render->render([$bad]));
echo $render->render([$bad], true);
attempt(fn () => $render->render(['no family']), 'MetricFamilySamples');
attempt(fn () => new Sample(['name' => 'x']), 'must be');
attempt(fn () => new MetricFamilySamples([]), 'must be');
attempt(fn () => (new ReflectionClass(Sample::class))->newInstanceWithoutConstructor()->getName(), 'constructor');
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
array(0) {
}
string(0) ""
counter ["app_jobs_total","Jobs \\ \n done.",["queue","class"],true]
  ["app_jobs_total",[],["a\"b","x\ny"],"1234567.5",false]
histogram ["app_seconds","Time.",["queue"],true]
  ["app_seconds_bucket",["le"],["mail","0.5"],"1",true]
  ["app_seconds_bucket",["le"],["mail","1.0"],"2",true]
  ["app_seconds_bucket",["le"],["mail","+Inf"],"2",true]
  ["app_seconds_count",[],["mail"],"2",false]
  ["app_seconds_sum",[],["mail"],"0.85",false]
gauge ["none","",[],false]
  ["none",[],[],"-Inf",false]
string(25) "text/plain; version=0.0.4"
bool(true)
# HELP own Of its own.
# TYPE own gauge
own{a="1",b="two"} 3
own{a="1"} 0.1
Promshm\Exception\InvalidArgumentException: bad has 1 label names, but 0 label values
# TYPE bad gauge
# Error: bad has 1 label names, but 0 label values
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
