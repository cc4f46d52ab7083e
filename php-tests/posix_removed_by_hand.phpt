--TEST--
A worker that updates only known series replaces its removed POSIX object
--DESCRIPTION--
As removed_by_hand.phpt. An object without a name is listed nowhere, so no other process could report it.
--INI--
promshm.segment=posix:/phpt-${PROMSHM_RUN}-removed
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

$jobs = new Counter('jobs_total', '', ['queue']);
$mail = $jobs->labels('mail');
$object = '/dev/shm/' . substr(ini_get('promshm.segment'), strlen('posix:/'));
foreach ([fn () => $mail->inc(), fn () => $jobs->inc(['mail'])] as $count) {
    $count();
    unlink($object);
    until(function () use ($object) {
        clearstatcache();
        return file_exists($object);
    }, $count);
    show();
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
jobs_total{queue="mail"} 1
jobs_total{queue="mail"} 1
