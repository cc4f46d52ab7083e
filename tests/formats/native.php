<?php
// Observes the numbers of a file, a series for each first word of its lines, and waits for the end of its input.
// With promshm.native_histograms=1 a histogram of both forms does.

use Promshm\{Histogram, NativeHistogram};

$native = ini_get('promshm.native_histograms')
    ? new Histogram('native_seconds', 'In buckets of both forms.', ['of'])
    : new NativeHistogram('native_seconds', 'In exponential buckets.', ['of'], (float) ($argv[2] ?? 1.1));
foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $line) {
    [$of, $value, $trace] = explode(' ', "$line ");
    // PHP reads neither NaN nor infinity.
    $value = match ($value) { 'nan' => NAN, 'inf' => INF, '-inf' => -INF, default => (float) $value };
    $native->observe($value, [$of], $trace === '' ? null : ['trace_id' => $trace]);
}
echo "counted\n";
stream_get_contents(STDIN);
