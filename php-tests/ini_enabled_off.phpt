--TEST--
With promshm.enabled=0 updates are no-ops, and no shared memory is created
--DESCRIPTION--
The setting disables metrics for one machine or one command. Mistakes in the program still throw, since a test run with it would hide them otherwise.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}03b
promshm.enabled=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram, Segment};

$c = new Counter('c_total', '', ['a']);
$c->inc(['x']);
$c->incBy(2, ['x']);
$c->labels('x')->inc();
$g = new Gauge('g');
$g->set(1);
$g->inc();
$g->setToCurrentTime();
(new Histogram('h'))->observe(1);
var_dump($c->remove(['x']), Segment::render());
Segment::wipe();
$status = Segment::status();
var_dump($status['enabled'], $status['attached'], $status['error']);
var_dump(kernel_row('shm'), kernel_row('sem'));
attempt(fn () => new Counter('not a name'));
attempt(fn () => $c->inc(['too', 'many']));
attempt(fn () => $c->incBy(-1, ['x']));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(false)
string(0) ""
bool(false)
bool(false)
NULL
NULL
NULL
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
