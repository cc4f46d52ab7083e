--TEST--
Process metrics are shown only for living workers, one series each
--DESCRIPTION--
A dead worker's memory must neither stay on the page nor be shown for the slot's next owner; a child counts from its fork.
--EXTENSIONS--
pcntl
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0c6
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

/** The value of $what for each process that publishes stats, by the process's name. */
function processes(array $names, string $what): string
{
    $found = [];
    foreach (told() as $series => $value) {
        if (preg_match("/^php_worker_$what\\{pid=\"(.*)\"\\}$/", $series, $match)) {
            $found[] = ($names[$match[1]] ?? 'SOMEBODY') . " $value";
        }
    }
    sort($found);
    return implode(', ', $found) . "\n";
}
$c = new Counter('c_total');
$circle = new stdClass();
$circle->self = $circle;
unset($circle);
gc_collect_cycles();
$runs = gc_status()['runs'];
$c->inc();
$idle = Child::start(fn () => 0);
$child = Child::start(fn () => $c->inc());
$names = [getmypid() => 'parent', $child->pid => 'child', $idle->pid => 'idle'];
echo 'requests: ', processes($names, 'requests_total');
echo 'collector runs: ', str_replace("parent $runs", 'parent all', processes($names, 'gc_runs_total'));
$starts = array_filter(told(), fn ($series) => str_contains($series, 'start_time'), ARRAY_FILTER_USE_KEY);
var_dump(count($starts), max($starts) > min($starts));
$child->kill();
echo 'without the killed one: ', processes($names, 'requests_total');
$heir = Child::start(fn () => $c->inc());
$names[$heir->pid] = 'heir';
echo 'with its heir: ', processes($names, 'requests_total');
$crashes = array_filter(told(), fn ($series) => str_contains($series, 'crashes'), ARRAY_FILTER_USE_KEY);
asort($crashes);
echo preg_replace_callback('/\b\d+\b(?=",slot)/', fn ($pid) => $names[$pid[0]], str_replace('\\', '', json_encode($crashes))), "\n";
$heir->finish();
$idle->finish();
echo 'after all ends: ', processes($names, 'requests_total'), count(told()), " series\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
requests: child 1, parent 1
collector runs: child 0, parent all
int(2)
bool(true)
without the killed one: parent 1
with its heir: heir 1, parent 1
{"php_worker_slot_crashes_total{pid="parent",slot="1"}":0,"php_worker_slot_crashes_total{pid="heir",slot="2"}":1}
after all ends: parent 1
7 series
