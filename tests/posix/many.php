<?php
// Makes as many series as the argument says, says how its updates ended, and goes on counting what it is told.

use Promshm\{Counter, Segment};

$known = new Counter('known_total', 'Counted before all others.');
$known->inc();
$many = new Counter('many_total', 'Many series.', ['text']);
for ($i = 0; $i < (int) $argv[1]; $i++) {
    $many->inc([str_repeat('x', 200) . $i]);
}
$lost = Segment::status()['dropped']['segment_full'];
echo "lost $lost\n";
while (($line = fgets(STDIN)) !== false) {
    $known->incBy((float) $line);
    echo "counted\n";
}
