--TEST--
A series of a counter, histogram or summary is shown with zeros before its first event
--DESCRIPTION--
rate() takes an increase only from a sample before it, so a series that begins with its first event loses that
event: an alert on a first failure stays silent. A gauge has no value that could be made up.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0e2
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, Gauge, Histogram, Summary};

enum Status: string { case Ok = 'ok'; case Failed = 'failed'; }

new Counter('plain_total');
new Gauge('gauge');
(new Gauge('labelled_gauge', '', ['a']))->labels('x');
new Counter('labelled_total', '', ['a']);
$jobs = new Counter('jobs_total', '', ['status']);
$jobs->incBy(5, [Status::Ok]);
foreach (Status::cases() as $status) {
    $jobs->init([$status]);
    $jobs->init(['status' => $status]);
}
$h = (new Histogram('h', '', ['a'], [1]))->labels('x');
(new Summary('s', '', ['a'], 60, [0.5]))->labels(a: 'x');
(new CollectorRegistry(null, false, ['app' => 'shop']))->registerHistogram('', 'r', '', [], [1]);
(new Histogram('t', '', ['a'], [1]))->startTimer(['x']); // nothing yet: it may never be observed
echo samples();
echo "another process\n";
echo run_php(<<<'PHP'
    new Counter('plain_total');
    (new Counter('jobs_total', '', ['status']))->labels('ok');
    $j = new Counter('jobs_total', '', ['status']);
    $j->init(['ok']);
    $j->labels('failed')->inc();
    echo sample('plain_total'), ' ', sample('jobs_total{status="ok"}'), ' ', sample('jobs_total{status="failed"}'), "\n";
    PHP);
echo "errors\n";
attempt(fn () => $jobs->init([]), 'jobs_total');
attempt(fn () => $jobs->init(['a', 'b']), 'jobs_total');
attempt(fn () => $h->init(['y']), 'bound');
$h->init();
attempt(fn () => $h->init('y'));
echo "switched off\n";
echo run_php("new Counter('off_total'); (new Counter('l_total', '', ['a']))->init(['x']); echo Promshm\\Segment::render();", ['promshm.enabled' => '0']);
echo "full\n";
$small = substr(ini_get('promshm.segment'), 0, -3) . '0e3'; // sysv:0x${PROMSHM_RUN}0e3
echo run_php(<<<'PHP'
    foreach (range(1, 3) as $i) {
        (new Counter('c_total', '', ['a']))->init([$i]);
    }
    print_r(array_filter(Promshm\Segment::status()['dropped'])); // no update was lost
    echo samples();
    PHP, ['promshm.max_series' => '2', 'promshm.segment' => $small]);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
h_bucket{a="x",le="1.0"} 0
h_bucket{a="x",le="+Inf"} 0
h_sum{a="x"} 0
h_count{a="x"} 0
jobs_total{status="failed"} 0
jobs_total{status="ok"} 5
plain_total 0
r_bucket{app="shop",le="1.0"} 0
r_bucket{app="shop",le="+Inf"} 0
r_sum{app="shop"} 0
r_count{app="shop"} 0
s{a="x",quantile="0.5"} NaN
s_sum{a="x"} 0
s_count{a="x"} 0
another process
0 5 1
errors
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
TypeError
switched off
full
Array
(
)
c_total{a="1"} 0
c_total{a="2"} 0
