--TEST--
A series without updates is hidden after promshm.series_ttl, and returns with its total
--DESCRIPTION--
Updates do not read the clock, so the use of a series must be recorded for fast calls, for rare calls, and for calls that set the same value again; also when promshm.runtime_metrics is off.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0f1
promshm.series_ttl=1
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment, Summary};

/** Calls $update until the series is shown, or hidden. */
function change(bool $shown, string $series, callable $update): string
{
    $is_so = until(fn () => (sample($series) !== null) === $shown, $update);
    return match (true) {
        !$is_so => "NO CHANGE\n",
        $shown => "shown\n",
        default => "hidden\n",
    };
}
$idle = [
    'c_total' => new Counter('c_total'),
    'h_count' => new Histogram('h'),
    's_count' => new Summary('s'),
    'last' => new Gauge('last'),
    'sum' => new Gauge('sum', '', [], GaugeMode::Sum),
    'all{pid="' . getmypid() . '"}' => new Gauge('all', '', [], GaugeMode::All),
];
$update = fn (object $metric) => match (true) {
    $metric instanceof Counter => $metric->inc(),
    $metric instanceof Gauge => $metric->set(1),
    default => $metric->observe(1),
};
array_map($update, $idle);
$used = new Counter('used_total', '', ['how']);
$bound = $used->labels('bound');
$same = new Gauge('same');
$ways = [
    'bound' => ['used_total{how="bound"}', fn () => $bound->inc()],
    'literal' => ['used_total{how="literal"}', fn () => $used->inc(['literal'])],
    'by key' => ['used_total{how="by key"}', fn () => $used->inc(['how' => 'by key'])],
    'same value' => ['same', fn () => $same->set(1)],
];
foreach ($ways as [, $use]) {
    $use();
}
echo Segment::status()['hidden_series'], " hidden\n";
$busy = function () use ($ways): void {
    for ($i = 0; $i < 10_000; $i++) {
        foreach ($ways as [, $use]) {
            $use();
        }
    }
};
foreach ($idle as $series => $metric) {
    echo preg_replace('/\{.*/', '', $series), ': ', change(false, $series, $busy);
}
foreach ($ways as $way => [$series]) {
    echo "$way, busy: ", change(true, $series, $busy);
}
echo Segment::status()['hidden_series'] >= count($idle) ? "those are counted\n" : "NOT COUNTED\n";
foreach ($idle as $series => $metric) {
    $update($metric);
}
echo 'c_total ', sample('c_total'), ', h_count ', sample('h_count'), ', s_count ', sample('s_count'), "\n";
echo 'everything else: ', change(false, 'used_total{how="bound"}', fn () => usleep(100_000));
foreach ($ways as $way => [$series, $use]) {
    // The pause is part of the test: few calls within the TTL of one second.
    echo "$way, seldom: ", change(true, $series, fn () => usleep(300_000) ?: $use());
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
0 hidden
c_total: hidden
h_count: hidden
s_count: hidden
last: hidden
sum: hidden
all: hidden
bound, busy: shown
literal, busy: shown
by key, busy: shown
same value, busy: shown
those are counted
c_total 2, h_count 2, s_count 2
everything else: hidden
bound, seldom: shown
literal, seldom: shown
by key, seldom: shown
same value, seldom: shown
