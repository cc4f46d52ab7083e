<?php
// Counts each of some label values that have one hash in PHP, so many times.
[, $number, $rounds] = $argv;

$values = [];
for ($i = 0; $i < $number; $i++) {
    $values[] = strtr(sprintf('%012b', $i), ['0' => 'Ez', '1' => 'FY']); // both pairs have the same hash
}
$counter = new Promshm\Counter('colliding_total', '', ['value']);
for ($round = 0; $round < $rounds; $round++) {
    foreach ($values as $value) {
        $counter->inc([$value]);
    }
}
