--TEST--
A definition that is spelt again is the same metric, and any other spelling is looked at anew
--DESCRIPTION--
A known spelling is recognised by its texts, without a look at what they define: it may not take one definition for another.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}2a3
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment, Summary};

// Literals, which are the same strings at each turn.
for ($i = 0; $i < 10; $i++) {
    (new Counter('jobs_total', 'Jobs.', ['queue', 'status']))->inc(['mail', 'ok']);
    (new Counter('plain_total'))->inc();
    (new Gauge('busy', 'Busy.', ['queue'], GaugeMode::Sum))->inc(['mail']);
    (new Gauge('last', '', ['queue'], GaugeMode::Last))->set($i, ['mail']);
    (new Histogram('seconds', '', ['queue'], [1, 2.5]))->observe(2, ['mail']);
    (new Histogram('default_seconds', '', ['queue']))->observe(2, ['mail']);
    (new Histogram('null_seconds', '', ['queue'], null))->observe(2, ['mail']);
    (new Summary('size', '', ['queue'], 60, [0.5]))->observe(7, ['mail']);
}

// Strings made for the call, in memory that the next call uses again.
foreach ([1, 2, 3, 1, 2, 3] as $i) {
    (new Counter("made_$i", "Help $i.", ["label_$i", 'b']))->inc(['x', 'y']);
}

// An array that changes between two calls.
$names = ['queue', 'status'];
new Counter('jobs_total', 'Jobs.', $names);
$names[1] = 'other';
attempt(fn () => new Counter('jobs_total', 'Jobs.', $names), 'already defined');
$buckets = [1, 2.5];
new Histogram('seconds', '', ['queue'], $buckets);
$buckets[] = 5;
attempt(fn () => new Histogram('seconds', '', ['queue'], $buckets), 'already defined');

// What differs in one thing alone.
(new Counter('jobs_total', 'Other help.', ['queue', 'status']))->inc(['mail', 'ok']);
(new Counter('jobs_total', labelNames: ['queue', 'status']))->inc(['mail', 'ok']);
(new Counter('jobs_total', 'Jobs.', ['status', 'queue']))->inc(['ok', 'mail']);
(new Counter('jobs_total', 'Jobs.', [5 => 'queue', 7 => 'status']))->inc(['mail', 'ok']);
(new Histogram('seconds', '', ['queue'], [1.0, 2.5]))->observe(2, ['mail']);
(new Histogram('seconds', '', ['queue'], ['1', '2.5']))->observe(2, ['mail']);
attempt(fn () => new Gauge('jobs_total', 'Jobs.', ['queue', 'status']), 'already defined');
attempt(fn () => new Gauge('busy', 'Busy.', ['queue'], GaugeMode::Max), 'already defined');
attempt(fn () => new Gauge('busy', 'Busy.', ['queue']), 'already defined');
attempt(fn () => new Counter('plain_total', '', ['a']), 'already defined');
attempt(fn () => new Histogram('seconds', '', ['queue'], [1, 2]), 'already defined');
attempt(fn () => new Histogram('seconds', '', ['queue']), 'already defined');
attempt(fn () => new Summary('size', '', ['queue'], 61, [0.5]), 'already defined');
attempt(fn () => new Summary('size', '', ['queue'], 60), 'already defined');
attempt(fn () => new Counter('jobs_total', 'Jobs.', ['queue', 2]), 'must be strings');

// The first spelling is still what it was.
(new Counter('jobs_total', 'Jobs.', ['queue', 'status']))->inc(['mail', 'ok']);
$c = new Counter('jobs_total', 'Jobs.', ['queue', 'status']);
attempt(fn () => $c->__construct('jobs_total', 'Jobs.', ['queue', 'status']), 'called already');

$samples = [
    'jobs_total{queue="mail",status="ok"}', 'plain_total', 'busy{queue="mail"}', 'last{queue="mail"}',
    'seconds_count{queue="mail"}', 'default_seconds_count{queue="mail"}', 'null_seconds_count{queue="mail"}',
    'size_count{queue="mail"}',
    'made_1{label_1="x",b="y"}', 'made_2{label_2="x",b="y"}', 'made_3{label_3="x",b="y"}',
];
foreach ($samples as $sample) {
    echo $sample, ' ', sample($sample), "\n";
}

// After a wipe a name may be defined anew.
Segment::wipe();
(new Counter('jobs_total', 'Jobs.', ['other']))->inc(['x']);
attempt(fn () => new Counter('jobs_total', 'Jobs.', ['queue', 'status']), 'already defined');
(new Counter('plain_total'))->inc();
echo sample('jobs_total{other="x"}'), ', ', sample('plain_total'), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\MetricsRegistrationException
Promshm\Exception\InvalidArgumentException
Promshm\Exception\InvalidArgumentException
jobs_total{queue="mail",status="ok"} 15
plain_total 10
busy{queue="mail"} 10
last{queue="mail"} 9
seconds_count{queue="mail"} 12
default_seconds_count{queue="mail"} 10
null_seconds_count{queue="mail"} 10
size_count{queue="mail"} 10
made_1{label_1="x",b="y"} 2
made_2{label_2="x",b="y"} 2
made_3{label_3="x",b="y"} 2
Promshm\Exception\MetricsRegistrationException
1, 1
