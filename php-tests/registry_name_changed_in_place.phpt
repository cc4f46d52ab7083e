--TEST--
A name string that is changed in place is looked up again
--DESCRIPTION--
A registry recognises the strings of a literal by their addresses. PHP's hash cannot tell these names apart either, so
nothing but their bytes does.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5f3
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\CollectorRegistry;

$registry = new CollectorRegistry(registerDefaultMetrics: false);
$name = strtolower('REQUESTS_EZ');
foreach (['Ez', 'FY', 'Ez'] as $end) {
    [$name[-2], $name[-1]] = str_split($end);
    echo $registry->getOrRegisterCounter('app', $name, 'Help.')->getName(), "\n";
    $registry->getOrRegisterCounter('app', $name, 'Help.')->inc();
}
echo samples();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
app_requests_Ez
app_requests_FY
app_requests_Ez
app_requests_Ez 2
app_requests_FY 1
