--TEST--
A worker that updates only known series replaces its removed segment
--DESCRIPTION--
`ipcrm -M` leaves no mark that an update would see, and a worker that never ends begins no request. Also without the
numbers that a worker tells of itself, which share the countdown.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0f2
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$jobs = new Counter('jobs_total', '', ['queue']);
$mail = $jobs->labels('mail');
foreach ([fn () => $mail->inc(), fn () => $jobs->inc(['mail'])] as $count) {
    $count();
    remove_segment();
    until(fn () => kernel_row() !== null, $count);
    show();
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
jobs_total{queue="mail"} 1
jobs_total{queue="mail"} 1
