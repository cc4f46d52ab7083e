--TEST--
With a list of functions errors and exceptions are counted by themselves, in processes that count anyway
--DESCRIPTION--
A script with a notice must not get a place in the segment for that alone. What it raises before it has one waits, and a forked child tells
nothing of what its parent has waiting.
--EXTENSIONS--
pcntl
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0e7
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$fail = '@trigger_error("x"); foreach ([1, 2] as $i) { try { throw new LogicException; } catch (LogicException) {} }';
$many = 'for ($i = 0; $i < 150; $i++) { eval("class E$i extends Exception {}"); try { throw new ("E$i"); } catch (Exception) {} }';
$fork = '$pid = pcntl_fork(); if ($pid) { pcntl_waitpid($pid, $status); }';
$auto = ['promshm.collect' => 'auto'];
foreach ([
    'before a call' => ['usleep', "$fail usleep(1);", $auto],
    'after a call' => ['usleep', "usleep(1); $fail", $auto],
    'no call' => ['usleep', $fail, $auto],
    'no list' => ['', "$fail usleep(1); (new Promshm\\Counter('own_total'))->inc();", $auto],
    'not wanted' => ['usleep', "$fail usleep(1);", []],
    'forked before a call' => ['usleep', "$fail $fork usleep(1);", $auto],
    'forked, only the child calls' => ['usleep', "$fail $fork else { usleep(1); }", $auto],
    'many classes' => ['usleep', "$many usleep(1);", $auto],
    'uncaught' => ['usleep', 'usleep(1); throw new DomainException;', $auto],
    'requests as well' => ['usleep', $fail, ['promshm.collect' => 'auto, requests']],
] as $case => [$list, $code, $settings]) {
    run_observed($list, $code, $settings + ['display_errors' => '0']);
    preg_match_all('/^(\w+_(?:count|total)(?:\{.*\})? \S+)$/m', Promshm\Segment::render(), $found);
    $names = preg_grep('/"E\d+"|request_peak/', $found[1], PREG_GREP_INVERT);
    echo "$case:\n", implode('', array_map(fn ($name) => "  $name\n", $names));
    Promshm\Segment::wipe();
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
before a call:
  php_errors_total{level="user_notice"} 1
  php_exceptions_thrown_total{class="LogicException"} 2
  php_function_duration_seconds_count{function="usleep"} 1
after a call:
  php_errors_total{level="user_notice"} 1
  php_exceptions_thrown_total{class="LogicException"} 2
  php_function_duration_seconds_count{function="usleep"} 1
no call:
no list:
  own_total 1
not wanted:
  php_function_duration_seconds_count{function="usleep"} 1
forked before a call:
  php_errors_total{level="user_notice"} 1
  php_exceptions_thrown_total{class="LogicException"} 2
  php_function_duration_seconds_count{function="usleep"} 2
forked, only the child calls:
  php_function_duration_seconds_count{function="usleep"} 1
many classes:
  php_exceptions_thrown_total{class="other"} 50
  php_function_duration_seconds_count{function="usleep"} 1
  php_label_overflows_total{metric="php_exceptions_thrown_total",label="class"} 50
uncaught:
  php_errors_total{level="error"} 1
  php_exceptions_thrown_total{class="DomainException"} 1
  php_exceptions_uncaught_total{class="DomainException"} 1
  php_function_duration_seconds_count{function="usleep"} 1
requests as well:
  php_errors_total{level="user_notice"} 1
  php_exceptions_thrown_total{class="LogicException"} 2
  php_request_duration_seconds_count{sapi="cli",method="",code="0"} 1
