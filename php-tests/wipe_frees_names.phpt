--TEST--
After Segment::wipe() a name may be defined again
--DESCRIPTION--
Test suites wipe between cases, and each case defines its own metrics in one process.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0f0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Segment};

$old = new Counter('m', '', ['a']);
$old->inc(['x']);
attempt(fn () => new Gauge('m'));
Segment::wipe();
$new = new Gauge('m');
$new->set(3);
show();
attempt(fn () => new Counter('m', '', ['a']));

// A known name gets the new help text, and old handles continue.
(new Counter('helped', 'Old.'))->inc();
$kept = new Counter('helped', 'Late.');
Segment::wipe();
(new Counter('helped', 'New.'))->inc();
$kept->inc();
echo preg_replace('/^.*php_worker_.*\n/m', '', Segment::render());
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\MetricsRegistrationException
m 3
Promshm\Exception\MetricsRegistrationException
# HELP helped New.
# TYPE helped counter
helped 2
