--TEST--
Requests, errors and exceptions are counted without a list
--DESCRIPTION--
A script is a request with its exit code. Silenced errors count, exceptions that somebody catches too; a forked child is no request of its own.
--EXTENSIONS--
pcntl
--ENV--
PROMSHM_ENDS=.fatal
PROMSHM_WATCHED=12
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0bd
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$cases = [
    'plain' => '1;',
    'exit' => 'exit(3);',
    'errors' => '@$a; echo @$b; trigger_error("x", E_USER_DEPRECATED); trigger_error("x", E_USER_NOTICE);',
    'fatal error' => 'eval("abstract class B { abstract function f(); } class A extends B {}");',
    'parse error' => 'try { eval("("); } catch (ParseError) {}',
    'exceptions' => 'class A extends Exception {} foreach ([1, 2] as $i) { try { throw new A; } catch (A) {} } throw new DomainException("a: b");',
    'anonymous' => 'throw new class extends DomainException {};',
    'handled' => 'set_exception_handler(fn () => 1); throw new LogicException;',
    'fork' => '$pid = pcntl_fork(); if ($pid) { pcntl_waitpid($pid, $status); }',
    'many' => 'for ($i = 0; $i < 150; $i++) { eval("class E$i extends Exception {}"); try { throw new ("E$i"); } catch (Exception) {} }',
];
foreach ($cases as $case => $code) {
    run_observed('', $code, ['promshm.collect' => 'requests, ERRORS,exceptions', 'display_errors' => '0']);
    preg_match_all('/^php_(\w+(?<!_sum|_bucket)(?:\{.*\})? \S+)$/m', Promshm\Segment::render(), $found);
    echo "$case:\n  ", implode("\n  ", preg_grep('/"E\d+"/', $found[1], PREG_GREP_INVERT)), "\n";
    Promshm\Segment::wipe();
}
run_observed('', 'throw new Exception;', ['display_errors' => '0']);
echo 'nothing:', samples(), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
plain:
  request_duration_seconds_count{sapi="cli",method="",code="0"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
exit:
  request_duration_seconds_count{sapi="cli",method="",code="3"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
errors:
  errors_total{level="user_deprecated"} 1
  errors_total{level="user_notice"} 1
  errors_total{level="warning"} 2
  request_duration_seconds_count{sapi="cli",method="",code="0"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
fatal error:
  errors_total{level="error"} 1
  request_duration_seconds_count{sapi="cli",method="",code="255"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
parse error:
  exceptions_thrown_total{class="ParseError"} 1
  request_duration_seconds_count{sapi="cli",method="",code="0"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
exceptions:
  errors_total{level="error"} 1
  exceptions_thrown_total{class="A"} 2
  exceptions_thrown_total{class="DomainException"} 1
  exceptions_uncaught_total{class="DomainException"} 1
  request_duration_seconds_count{sapi="cli",method="",code="255"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
anonymous:
  errors_total{level="error"} 1
  exceptions_thrown_total{class="DomainException@anonymous"} 1
  exceptions_uncaught_total{class="DomainException@anonymous"} 1
  request_duration_seconds_count{sapi="cli",method="",code="255"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
handled:
  exceptions_thrown_total{class="LogicException"} 1
  request_duration_seconds_count{sapi="cli",method="",code="0"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
fork:
  request_duration_seconds_count{sapi="cli",method="",code="0"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
many:
  exceptions_thrown_total{class="other"} 50
  label_overflows_total{metric="php_exceptions_thrown_total",label="class"} 50
  request_duration_seconds_count{sapi="cli",method="",code="0"} 1
  request_peak_memory_bytes_count{sapi="cli"} 1
  requests_in_flight{sapi="cli"} 0
nothing:
