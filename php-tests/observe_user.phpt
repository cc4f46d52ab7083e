--TEST--
Listed functions of scripts are counted, timed, and their errors told apart
--DESCRIPTION--
They are rewritten while they are compiled. Recursion, generators, references, `never` and methods of traits keep their meaning.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b2
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

echo run_observed('App\*, App\*::*, hello::HELLO', 'require "' . __DIR__ . '/observe_user.inc";');
echo observed();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
55 1 2 3
1: traced by work boom
at the end
calls{function="App\\Generator::numbers"} 2
calls{function="App\\Greeter::__construct"} 1
calls{function="App\\Greeter::greet"} 1
calls{function="App\\boom"} 1
calls{function="App\\fibonacci"} 177
calls{function="App\\nothing"} 1
calls{function="App\\reference"} 2
calls{function="App\\work"} 1
calls{function="Hello::hello"} 1
errors_total{function="App\\boom",exception="DomainException"} 1
errors_total{function="App\\work",exception="DomainException"} 1
in_flight{function="App\\Generator::numbers"} 0
in_flight{function="App\\Greeter::__construct"} 0
in_flight{function="App\\Greeter::greet"} 0
in_flight{function="App\\boom"} 0
in_flight{function="App\\fibonacci"} 0
in_flight{function="App\\nothing"} 0
in_flight{function="App\\reference"} 0
in_flight{function="App\\work"} 0
in_flight{function="Hello::hello"} 0
