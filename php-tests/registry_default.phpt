--TEST--
CollectorRegistry::getDefault() is a singleton, and php_info is removed with its last worker
--DESCRIPTION--
The default registry must not outlive its request; an old PHP's php_info must not stay after an upgrade.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0a5
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\CollectorRegistry;

var_dump(CollectorRegistry::getDefault() === CollectorRegistry::getDefault());
CollectorRegistry::getDefault()->getOrRegisterCounter('a', 'b_total', 'Help.')->inc();
var_dump(CollectorRegistry::getDefault()->getGauge('', 'php_info')->getLabelNames());
echo run_php('
    new Promshm\CollectorRegistry();
    echo Promshm\Segment::render();
'), "\n";
$info = sprintf('php_info{version="%s"}', PHP_VERSION);
var_dump(sample($info), sample('a_b_total'));

$child = Child::start(fn () => new CollectorRegistry());
$child->kill();
var_dump(sample($info));
remove_segment();
run_php('new Promshm\CollectorRegistry(); (new Counter("alive"))->inc();');
var_dump(sample($info), sample('alive'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
bool(true)
array(1) {
  [0]=>
  string(7) "version"
}
# HELP a_b_total Help.
# TYPE a_b_total counter
a_b_total 1
# HELP php_info Information about the PHP environment.
# TYPE php_info gauge
php_info{version="%s"} 1

string(1) "1"
string(1) "1"
string(1) "1"
NULL
string(1) "1"
