<?php
// Counts at random and reports each update before ("b") and after ("e") it is made, until it is killed.
use Promshm\{Counter, Gauge, GaugeMode, Histogram};

$worker = (int) $argv[1];
mt_srand((int) $argv[2]);
$c = new Counter('c_total', '', ['n']);
$h = new Histogram('h', '', ['n'], [1, 2]);
fwrite(STDOUT, "b s\n");
(new Gauge('alive', '', [], GaugeMode::Sum))->set(1 << $worker);
fwrite(STDOUT, "e s\n");
while (true) {
    $n = mt_rand(0, 7);
    fwrite(STDOUT, "b $n\n");
    $n < 5 ? $c->inc([(string) $n]) : $h->observe($n - 5, [(string) $n]);
    fwrite(STDOUT, "e $n\n");
    usleep(mt_rand(0, 200));
}
