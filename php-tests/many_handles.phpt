--TEST--
Thousands of handles neither leak nor share state
--DESCRIPTION--
Frameworks make handles in every request or job; a process lives for weeks.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}04e
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Histogram};

function work(): void
{
    for ($i = 0; $i < 2000; $i++) {
        $c = new Counter('c_total', 'Help', ['a', 'b']);
        $c->inc(["v" . $i % 10, (string) ($i % 3)]);
        $c->inc(['b' => (string) ($i % 3), 'a' => "v" . $i % 10]);
        $c->labels("v" . $i % 10, $i % 3)->inc();
        try {
            $c->inc(["wrong$i"]);
        } catch (InvalidArgumentException) {
        }
        (new Histogram('h', '', ['a'], [1, 2, 3]))->observe($i, ["v" . $i % 10]);
    }
}
work();
gc_collect_cycles();
$before = memory_get_usage();
for ($i = 0; $i < 5; $i++) {
    work();
}
gc_collect_cycles();
$grown = memory_get_usage() - $before;
echo $grown < 4096 ? "flat\n" : "grown by $grown bytes\n";
echo array_sum(array_map(fn ($row) => (int) substr(strrchr($row, ' '), 1), preg_grep('/^c_total/', explode("\n", samples())))), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
flat
36000
