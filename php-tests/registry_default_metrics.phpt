--TEST--
php_info is one metric for all registries, independent of their constant labels
--DESCRIPTION--
A registry with constant labels was refused once the default registry was there, because php_info was defined twice.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}200
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\CollectorRegistry;

CollectorRegistry::getDefault();
$shop = new CollectorRegistry(constantLabels: ['app' => 'shop']);
$other = new CollectorRegistry(constantLabels: ['version' => '7', 'app' => 'other']);
$shop->getOrRegisterCounter('', 'shop_total', '')->inc();
$other->getOrRegisterCounter('', 'other_total', '')->inc();
var_dump($shop->getGauge('', 'php_info')->getLabelNames());
echo str_replace(PHP_VERSION, 'PHP_VERSION', samples());
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
array(1) {
  [0]=>
  string(7) "version"
}
other_total{version="7",app="other"} 1
php_info{version="PHP_VERSION"} 1
shop_total{app="shop"} 1
