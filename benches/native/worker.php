<?php
// Observes the numbers of its input in both kinds of histogram, and waits for the end of the input.

$classic = new Promshm\Histogram('classic_seconds', 'With the usual bounds.');
$native = new Promshm\NativeHistogram('native_seconds', 'In exponential buckets.');
while (($line = fgets(STDIN)) !== false) {
    if ($line === "end\n") {
        echo "counted\n";
        continue;
    }
    $classic->observe((float) $line);
    $native->observe((float) $line);
}
