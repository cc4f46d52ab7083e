--TEST--
A fatal error within trackInProgress() subtracts what was added
--DESCRIPTION--
After a fatal error neither the function nor a suspended fiber within it returns.
--ENV--
PROMSHM_ENDS=.fatal
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e7
--FILE--
<?php
require __DIR__ . '/common.inc';

$last = new Promshm\Gauge('last');
$last->set(0);
echo run_php(<<<'PHP'
    $sum = new Gauge('sum', '', [], GaugeMode::Sum);
    $last = new Gauge('last');
    $h = new Histogram('h', '', [], [10]);
    register_shutdown_function(function () use ($sum, $h) {
        echo "\nshutdown: ", sample('sum'), ' ', sample('last'), ' ', $h->getName(), ' ', sample('h_count') ?? 'none', "\n";
        $sum->trackInProgress(fn () => print('within: ' . sample('sum') . "\n"));
    });
    $fiber = new Fiber(fn () => $last->trackInProgress(fn () => $h->time(fn () => Fiber::suspend())));
    $fiber->start();
    $sum->trackInProgress(fn () => $last->trackInProgress(fn () => $h->time(function () {
        echo 'running: ', sample('sum'), ' ', sample('last'), "\n";
        trigger_error('the end', E_USER_ERROR);
    })));
    PHP, ['error_reporting' => (string) (E_ALL & ~E_DEPRECATED)]); // PHP 8.4 would rather have exceptions
echo 'after: ', sample('last'), ' ', sample('h_count') ?? 'none', "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
running: 1 2

Fatal error: the end in %s on line %d

shutdown: 0 1 h 0
within: 1
after: 0 0
