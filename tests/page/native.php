<?php
// Observes into a native histogram each 20 ms until its input ends: nine spans of 0.1 s and one of 0.7 s.

use Promshm\NativeHistogram;

$spans = new NativeHistogram('span_seconds', 'Time that a span takes.', ['service']);
stream_set_blocking(STDIN, false);
for ($turn = 0; !feof(STDIN); $turn++) {
    fread(STDIN, 1);
    $spans->observe($turn % 10 === 9 ? 0.7 : 0.1, ['web']);
    if ($turn === 0) {
        echo "counting\n";
    }
    usleep(20000);
}
