<?php

// The workers of one pod: argument 1 processes, each with the series of fifteen queues and as many further ones as
// argument 2 says. They live until their input ends.

$children = [];
for ($child = 1; $child < (int) $argv[1]; $child++) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        $children = [];
        break;
    }
    $children[] = $pid;
}
$argv[1] = $argv[2];
require __DIR__ . '/../scaling/worker.php';
foreach ($children as $pid) {
    pcntl_waitpid($pid, $status);
}
