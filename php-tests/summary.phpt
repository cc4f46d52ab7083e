--TEST--
Summary: quantiles, sum and count
--DESCRIPTION--
Quantiles are exact, by nearest rank, as users of PromPHP know them.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a6
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Segment, Summary};

$s = new Summary('s', 'Help.', ['path'], 600, [0.01, 0.1, 0.5, 0.99]);
foreach (range(1, 100) as $value) {
    $s->observe($value, ['/']);
}
$bound = $s->labels('bound');
$bound->observe(0.1);
$bound->observe(0.2);
$s->observe(-1.5, ['path' => 'one']);
echo Segment::render();
var_dump($s->getType(), $s->getName(), $s->getLabelNames(), Summary::getDefaultQuantiles());
var_dump($s->remove(['one']), sample('s_count{path="one"}'));

// The same through a registry, with the defaults.
$registry = new CollectorRegistry(null, false);
$registry->getOrRegisterSummary('app', 'seconds', 'Time.')->observe(3);
var_dump($registry->getSummary('app', 'seconds') === $registry->getOrRegisterSummary('app', 'seconds', '', [], 5, [0.5]));
$registry->registerSummary('app', 'sizes', '', [], 60, [0.5])->observe(4);
attempt(fn () => $registry->registerSummary('app', 'sizes', '', [], 60, [0.5]), 'already registered');
foreach ($registry->getMetricFamilySamples() as $family) {
    if ($family->getName() !== 's') {
        foreach ($family->getSamples() as $sample) {
            echo json_encode([$family->getType(), $sample->getName(), $sample->getLabelNames(), $sample->getLabelValues(), $sample->getValue()]), "\n";
        }
    }
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
# HELP s Help.
# TYPE s summary
s{path="/",quantile="0.01"} 1
s{path="/",quantile="0.1"} 10
s{path="/",quantile="0.5"} 50
s{path="/",quantile="0.99"} 99
s_sum{path="/"} 5050
s_count{path="/"} 100
s{path="bound",quantile="0.01"} 0.1
s{path="bound",quantile="0.1"} 0.1
s{path="bound",quantile="0.5"} 0.1
s{path="bound",quantile="0.99"} 0.2
s_sum{path="bound"} 0.30000000000000004
s_count{path="bound"} 2
s{path="one",quantile="0.01"} -1.5
s{path="one",quantile="0.1"} -1.5
s{path="one",quantile="0.5"} -1.5
s{path="one",quantile="0.99"} -1.5
s_sum{path="one"} -1.5
s_count{path="one"} 1
string(7) "summary"
string(1) "s"
array(1) {
  [0]=>
  string(4) "path"
}
array(5) {
  [0]=>
  float(0.01)
  [1]=>
  float(0.05)
  [2]=>
  float(0.5)
  [3]=>
  float(0.95)
  [4]=>
  float(0.99)
}
bool(true)
NULL
bool(true)
Promshm\Exception\MetricsRegistrationException
["summary","app_seconds",["quantile"],["0.01"],"3"]
["summary","app_seconds",["quantile"],["0.05"],"3"]
["summary","app_seconds",["quantile"],["0.5"],"3"]
["summary","app_seconds",["quantile"],["0.95"],"3"]
["summary","app_seconds",["quantile"],["0.99"],"3"]
["summary","app_seconds_count",[],[],"1"]
["summary","app_seconds_sum",[],[],"3"]
["summary","app_sizes",["quantile"],["0.5"],"4"]
["summary","app_sizes_count",[],[],"1"]
["summary","app_sizes_sum",[],[],"4"]
