--TEST--
A child that is forked within trackInProgress() does not subtract its parent's amount
--DESCRIPTION--
Parent and child both return from the function, but only the parent has added.
--EXTENSIONS--
pcntl
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e6
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, GaugeMode};

$last = new Gauge('last');
$sum = new Gauge('sum', '', [], GaugeMode::Sum);
$of = fn () => sample('last') . ' ' . sample('sum') . "\n";
$go = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
$pid = $last->trackInProgress(fn () => $sum->trackInProgress('pcntl_fork'));
if ($pid === 0) {
    fgets($go[0]); // the parent has left the function
    $sum->inc();
    echo 'child: ', $of();
    $sum->trackInProgress(fn () => print('within: ' . $of()));
    echo 'child: ', $of();
    fwrite($go[0], "go\n");
    fgets($go[0]);
    exit;
}
fwrite($go[1], "left\n");
fgets($go[1]);
echo 'parent: ', $of();
fwrite($go[1], "go\n");
pcntl_waitpid($pid, $status);
echo 'parent: ', $of();

// A child that exits within the function subtracts nothing.
$pid = $last->trackInProgress(function () use ($sum) {
    return $sum->trackInProgress(function () {
        $pid = pcntl_fork();
        if ($pid === 0) {
            exit;
        }
        return $pid;
    });
});
pcntl_waitpid($pid, $status);
echo 'parent: ', $of();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
child: 0 1
within: 0 2
child: 0 1
parent: 0 1
parent: 0 0
parent: 0 0
