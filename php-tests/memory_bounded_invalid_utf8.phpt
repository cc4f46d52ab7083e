--TEST--
Label values that are replaced to one series are cached once
--DESCRIPTION--
Clients choose bytes, in a User-Agent for instance. Each invalid sequence was cached by its raw bytes for ever, outside of memory_limit, though all of them are one series.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}202
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/memory.inc';

use Promshm\Counter;

$c = new Counter('c_total', '', ['agent', 'path']);
$count = function (int $from, int $to) use ($c): void {
    for ($i = $from; $i < $to; $i++) {
        $garbage = "\xff" . chr(128 + $i % 64) . chr(128 + intdiv($i, 64) % 64) . chr(128 + intdiv($i, 4096) % 64);
        $c->inc([$garbage, 'x']);
        $c->inc(['agent' => $garbage, 'path' => 'x']);
        $c->labels($garbage, 'x')->inc();
    }
};
$count(0, 100);
$before = private_bytes();
$count(100, 100_000);
$grown = private_bytes() - $before;
echo $grown < 2 << 20 ? "no growth\n" : "grew by $grown bytes\n";
show();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
no growth
c_total{agent="����",path="x"} 300000
