--TEST--
An enum's case is a label by its value, or by its name
--DESCRIPTION--
Programs have their queues, states and types as enums. A case is an object, and must neither be refused nor
mistaken for another case that was counted before.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0e1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, Gauge, Histogram, Summary};

enum Queue: string { case Mail = 'e-mail'; case Video = 'video'; const Default = self::Mail; }
enum Level: int { case Low = -1; case High = 3; }
enum State { case Done; case Failed; }

$c = new Counter('c_total', '', ['queue', 'level', 'state']);
for ($i = 0; $i < 3; $i++) {
    $c->inc([Queue::Default, Level::Low, State::Done]);
    $c->inc([Queue::Video, Level::Low, State::Done]);
    $c->inc(['state' => State::Failed, 'level' => Level::High, 'queue' => Queue::Mail]);
    $c->labels(Queue::Mail, Level::High, State::Failed)->inc();
    $c->labels(state: 'Failed', level: '3', queue: 'e-mail')->inc();
    $state = State::Failed;
    $reference = &$state;
    $c->inc(['e-mail', 3, &$reference]);
}
(new Gauge('g', '', ['state']))->set(1, [State::Done]);
(new Histogram('h', '', ['state'], [1]))->startTimer([State::Done]);
(new Summary('s', '', ['state'], 60, [0.5]))->observe(1, [State::Done]);
(new CollectorRegistry(null, false, ['queue' => Queue::Mail]))->getOrRegisterGauge('', 'r', '', ['l'])->inc([Level::High]);
var_dump($c->remove([Queue::Video, Level::Low, State::Done]));
echo samples();
attempt_in_full(fn () => $c->inc([Queue::Mail, new ArrayObject(), State::Done]));
attempt_in_full(fn () => $c->inc([Queue::Mail, STDIN, State::Done]));
attempt_in_full(fn () => $c->inc([Queue::Mail, new class {}, State::Done]));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(true)
c_total{queue="e-mail",level="-1",state="Done"} 3
c_total{queue="e-mail",level="3",state="Failed"} 12
g{state="Done"} 1
r{l="3",queue="e-mail"} 1
s{state="Done",quantile="0.5"} 1
s_sum{state="Done"} 1
s_count{state="Done"} 1
Promshm\Exception\InvalidArgumentException: c_total: label level must be a string, a number, a bool, an enum or Stringable, but is an object of class ArrayObject
Promshm\Exception\InvalidArgumentException: c_total: label level must be a string, a number, a bool, an enum or Stringable, but is a resource
Promshm\Exception\InvalidArgumentException: c_total: label level must be a string, a number, a bool, an enum or Stringable, but is an object of class class@anonymous
