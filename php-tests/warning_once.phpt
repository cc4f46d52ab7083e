--TEST--
Storage trouble warns once in each process, whichever method is called
--DESCRIPTION--
One line per metric would flood the log.
--EXTENSIONS--
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}054
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, Histogram, Segment};

shmop_write(shmop_open(segment_key(), 'n', 0666, 1 << 20), 'not promshm', 0);
function all(): void
{
    (new Counter('c_total'))->inc();
    (new Gauge('g'))->set(1);
    (new Histogram('h'))->observe(1);
    (new Counter('c_total'))->remove();
    Segment::render();
    Segment::status();
    @(new Counter('c_total'))->inc();
}
echo substr_count(run_php('for ($i = 0; $i < 3; $i++) { (new Counter("c_total"))->inc(); Segment::render(); }'), 'promshm: '), "\n";
ob_start();
all();
all();
echo preg_replace('/promshm: .*/', 'promshm: ...', ob_get_clean());
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
1

Warning: promshm: ...
