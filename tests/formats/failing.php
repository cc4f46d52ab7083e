<?php
// Counts as many calls and requests as each line of its input says: of the function f every tenth call fails, and every
// fourth request. The functions' histogram is native; with promshm.native_histograms=1 that of the requests has both forms.

use Promshm\{Counter, Histogram, NativeHistogram};

$calls = new NativeHistogram('php_function_duration_seconds', '', ['function']);
$errors = new Counter('php_function_errors_total', '', ['function', 'exception']);
$requests = new Histogram('php_request_duration_seconds', '', ['sapi', 'method', 'code']);
while (($line = fgets(STDIN)) !== false) {
    for ($i = 0; $i < (int) $line; $i++) {
        $calls->observe(0.01, ['f']);
        $calls->observe(0.01, ['g']);
        $errors->incBy($i % 10 === 0 ? 1 : 0, ['f', 'E']);
        $requests->observe(0.01, ['fpm-fcgi', 'GET', $i % 4 === 0 ? 503 : 200]);
    }
    echo "counted\n";
}
