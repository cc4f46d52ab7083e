--TEST--
Values beyond the hundredth of a label are counted
--DESCRIPTION--
They count together as `other`, and a metric tells how often and in which label: of arguments, of several labels at once, texts that are too long, exceptions of observed functions, and those of promshm.collect. A handler of the warnings of counting may call the function again.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}9c0
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

function overflows(): string
{
    preg_match_all('/^php_label_overflows_total\S+ \d+\n/m', Promshm\Segment::render(), $found);
    return implode('', $found[0]) ?: "none\n";
}

$list = 'one{v=arg1} as one, two{a=arg1,b=arg2} as two, throws, count(counted){v=arg1} as counted';
$code = <<<'PHP'
function one($v) {}
function two($a, $b) {}
function counted($v) {}
function throws($class) { throw new $class; }
for ($i = 0; $i < %1$d; $i++) {
    one("v$i");
    two("a$i", "b0");
    two('a0', "b$i");
    counted($i);
    eval("class E$i extends Exception {}");
    try { throws("E$i"); } catch (Exception) {}
}
for ($i = 0; $i < %1$d; $i++) { one("v$i"); }
PHP;
foreach ([90, 100, 110] as $values) {
    run_observed($list, sprintf($code, $values), ['promshm.collect' => 'exceptions']);
    echo "$values:\n", overflows();
    Promshm\Segment::wipe();
}
run_observed($list, 'function one($v) {} one(str_repeat("x", 257)); one("x"); one(str_repeat("x", 257));');
echo "long:\n", overflows(), observed();
Promshm\Segment::wipe();

// The series of what overflows finds no room: each of its updates warns.
$output = run_observed($list, <<<'PHP'
    function one($v) {}
    set_error_handler(function () {
        static $calls = 0;
        if ($calls++ < 5) { one("again$calls"); }
        return true;
    });
    for ($i = 0; $i < 200; $i++) { $text = "v$i"; one($text); }
    echo "came to the end";
    PHP, ['promshm.max_series' => 150]);
echo "$output\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
90:
none
100:
none
110:
php_label_overflows_total{metric="counted_calls_total",label="v"} 10
php_label_overflows_total{metric="one_duration_seconds",label="v"} 20
php_label_overflows_total{metric="php_exceptions_thrown_total",label="class"} 10
php_label_overflows_total{metric="php_function_errors_total",label="exception"} 10
php_label_overflows_total{metric="two_duration_seconds",label="a"} 10
php_label_overflows_total{metric="two_duration_seconds",label="b"} 10
long:
php_label_overflows_total{metric="one_duration_seconds",label="v"} 2
one_duration_seconds_count{v="other"} 2
one_duration_seconds_count{v="x"} 1
one_in_flight{v="other"} 0
one_in_flight{v="x"} 0
came to the end
