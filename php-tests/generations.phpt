--TEST--
A segment takes new series for ever: what was removed is given back, live
--DESCRIPTION--
Removed series once kept their places for good, so a loop that makes and removes series filled the index.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5f4
promshm.max_series=100
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment, Summary};

$kept = new Counter('kept');
$kept->incBy(5);
$seconds = new Histogram('seconds', '', ['code'], [1]);
$seconds->observe(0.5, ['ok']);
$sizes = new Summary('sizes', '', [], quantiles: [0.5]);
$sizes->observe(7);
$last = new Gauge('last');
$last->set(3);
$device = new Gauge('device', '', ['id']);
for ($i = 0; $i < 5000; $i++) {
    $device->set(1, ["d$i"]);
    $device->remove(["d$i"]);
}
$late = new Counter('late');
$late->inc();
$kept->inc();
$seconds->observe(2, ['ok']);
$sizes->observe(9);
show();
echo array_sum(Segment::status()['dropped']), " dropped\n";

// What runs while a generation begins is taken back where it is now.
foreach ([GaugeMode::Sum, GaugeMode::Last] as $mode) {
    $running = new Gauge('running_' . strtolower($mode->name), '', [], $mode);
    $running->trackInProgress(function () use ($running) {
        var_dump(Segment::compact());
        echo sample($running->getName()), ' ';
        $running->trackInProgress(function () {
            var_dump(Segment::compact());
        });
        echo sample($running->getName()), ' ';
    });
    echo sample($running->getName()), "\n";
}
$gone = new Gauge('gone', '', [], GaugeMode::Sum);
$gone->trackInProgress(function () use ($gone) {
    $gone->remove([]);
    Segment::compact();
});
var_dump(sample('gone'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
kept 6
last 3
late 1
seconds_bucket{code="ok",le="1.0"} 1
seconds_bucket{code="ok",le="+Inf"} 2
seconds_sum{code="ok"} 2.5
seconds_count{code="ok"} 2
sizes{quantile="0.5"} 7
sizes_sum 16
sizes_count 2
0 dropped
bool(true)
1 bool(true)
1 0
bool(true)
1 bool(true)
1 0
NULL
