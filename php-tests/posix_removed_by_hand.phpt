--TEST--
A worker that uses known series alone notices that somebody has removed its object in /dev/shm, and makes another
--DESCRIPTION--
As removed_by_hand.phpt. Nothing lists objects without a name, so a newcomer could not tell it either.
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
    $deadline = microtime(true) + 60;
    do {
        $count();
        clearstatcache();
    } while (!file_exists($object) && microtime(true) < $deadline);
    show();
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
jobs_total{queue="mail"} 1
jobs_total{queue="mail"} 1
