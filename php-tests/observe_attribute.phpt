--TEST--
#[Promshm\Observe] says how the calls of a function are counted, where the list has it
--DESCRIPTION--
Its arguments are literals, because they are read while the code is compiled. An attribute is found by its full name, an import, or its last part.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b6
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$code = <<<'PHP'
    namespace App;
    use Promshm\Observe as Watch;
    use Other\{Marked, Thing as Renamed};
    class Jobs {
        #[Watch] public function plain() {}
        #[Watch('jobs', ['queue' => 'arg1'], [0.5, 1])] public function named($queue) {}
        #[\Promshm\Observe(labels: ['queue' => 'arg1'], name: 'jobs', buckets: [0.5, 1])] public function again($queue) {}
        #[Watch(name: 'bad', labels: ['x' => Jobs::class])] public function bad() {}
        #[Marked] public function marked() {}
    }
    #[Renamed] class Handler { public function __invoke() {} public function other() {} }
    #[Thing] class NotOther { public function __invoke() {} }
    #[Watch] function f() {}
    $jobs = new Jobs; $jobs->plain(); $jobs->named('mail'); $jobs->again('mail'); $jobs->bad(); $jobs->marked(); f();
    (new Handler)(); (new Handler)->other(); (new NotOther)();
    var_dump((new \ReflectionMethod($jobs, 'named'))->getAttributes()[0]->newInstance() instanceof Watch);
    try { new Watch('jobs', 'no array'); } catch (\TypeError $error) { echo $error->getMessage(), "\n"; }
    PHP;
echo run_observed('#[Promshm\Observe], #[Other\Thing]::__invoke, #[Marked]', $code), observed();
echo sample('jobs_duration_seconds_bucket{queue="mail",le="0.5"}'), "\n";
Promshm\Segment::wipe();
echo run_observed('', $code), observed();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Warning: promshm: #[Promshm\Observe] of App\Jobs::bad: "?" is no source: it begins with argN, this or function in Unknown on line 0
bool(true)
Promshm\Observe::__construct(): Argument #2 ($labels) must be of type array, string given
jobs_duration_seconds_count{queue="mail"} 2
jobs_in_flight{queue="mail"} 0
calls{function="App\\Handler::__invoke"} 1
calls{function="App\\Jobs::marked"} 1
calls{function="App\\Jobs::plain"} 1
calls{function="App\\f"} 1
in_flight{function="App\\Handler::__invoke"} 0
in_flight{function="App\\Jobs::marked"} 0
in_flight{function="App\\Jobs::plain"} 0
in_flight{function="App\\f"} 0
2
bool(true)
Promshm\Observe::__construct(): Argument #2 ($labels) must be of type array, string given
