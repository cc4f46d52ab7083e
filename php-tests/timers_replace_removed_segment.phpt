--TEST--
A worker that only measures durations replaces its removed segment
--DESCRIPTION--
The periodic work is done within updates, and a timer's is one: else a worker that calls nothing but timers would never look
whether its segment is still there, nor tell of its memory and processor time.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0f9
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Histogram;

$plain = new Histogram('plain_seconds');
$labelled = new Histogram('labelled_seconds', '', ['queue']);
$ways = [
    'time(closure)' => fn () => $plain->time(fn () => 1),
    'time(function)' => fn () => $plain->time('phpversion'),
    'time(closure, labels)' => fn () => $labelled->time(fn () => 1, ['mail']),
    'startTimer()' => fn () => $plain->startTimer()->observeDuration(),
    'startTimer(labels)' => fn () => $labelled->startTimer(['mail'])->observeDuration(),
];
foreach ($ways as $name => $measure) {
    $measure();
    remove_segment();
    $is_there = until(fn () => kernel_row() !== null, $measure);
    echo $name, $is_there ? ": the segment is there again\n" : ": the segment is missing\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
time(closure): the segment is there again
time(function): the segment is there again
time(closure, labels): the segment is there again
startTimer(): the segment is there again
startTimer(labels): the segment is there again
