--TEST--
A bad entry of promshm.observe is a warning that names it, and the others hold
--DESCRIPTION--
A typo in php.ini must not stop workers, nor pass unseen.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b5
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$bad = [
    '@nothing', 'a b', 'a::', '::b', 'a*b', 'a-b', '#[A', '#[A*]', '#[A]b', 'count(a', 'a{x=arg1}', 'a{x=arg1 as b', 'a{x} as b',
    'a{x=arg0} as b', 'a{x=foo} as b', 'a{x=arg1[0]} as b', 'a{x=arg1.} as b', 'a{x=arg1->y} as b', 'a{0x=arg1} as b',
    'a{x=arg1,x=arg2} as b', 'a as 0b', 'a as b buckets(2,1)', 'a as b buckets(x)', 'a buckets(1)', 'count(a) as b buckets(1)', 'a as b c',
    'a{le=arg1} as b', 'a{a=arg1,b=arg1,c=arg1,d=arg1,e=arg1} as b', 'strlen', 'COUNT', 'a{exception=arg1} as b', 'x as late, y{l=arg1} as late',
];
foreach ($bad as $entry) {
    $output = run_observed("usleep, hex2bin, $entry", 'usleep(1); hex2bin("00"); require "' . __DIR__ . '/common.inc"; echo sample("php_function_duration_seconds_count{function=\"hex2bin\"}");');
    Promshm\Segment::wipe();
    $warnings = preg_match_all('/^Warning: promshm: promshm\.observe: "(.*)" is skipped: (.*) in Unknown/m', $output, $found);
    echo "$entry: ", $warnings === 1 && str_ends_with($entry, stripslashes($found[1][0])) && str_ends_with($output, "\n1") ? $found[2][0] : "NOT REFUSED\n$output", "\n";
}
$file = tempnam(sys_get_temp_dir(), 'promshm');
file_put_contents($file, "# a comment\n; another\n\n#[Marked]::run, hex2bin\n  usleep\nnot good\n");
echo run_observed('', '#[Marked] class A { function run() {} } (new A)->run(); usleep(1); hex2bin("00"); require "' . __DIR__ . '/common.inc"; require "' . __DIR__ . '/observe.inc"; echo observed();', ['promshm.observe_file' => $file]);
echo str_replace($file, 'FILE', run_observed('', '', ['promshm.observe_file' => "$file.not"]));
unlink($file);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
@nothing: there is no such preset, but @db, @http, @redis, @symfony, @laravel
a b: "b" is not understood
a::: a name is missing
::b: a name is missing
a*b: a * may only end a name
a-b: '-' is not allowed in a name
#[A: #[ is not closed
#[A*]: an attribute is named in full, or by the last part of its name
#[A]b: "b" after the attribute is not understood
count(a: count( is not closed
a{x=arg1}: labels and buckets of its own need a name of its own: add "as NAME"
a{x=arg1 as b: { is not closed
a{x} as b: "x" is not LABEL=SOURCE
a{x=arg0} as b: "arg0" is no source: it begins with argN, this or function
a{x=foo} as b: "foo" is no source: it begins with argN, this or function
a{x=arg1[0]} as b: an array's key is a name
a{x=arg1.} as b: "." is neither .property nor [key]
a{x=arg1->y} as b: "arg1->y" is no source: it begins with argN, this or function
a{0x=arg1} as b: Invalid label name "0x": use letters, digits and _, not starting with a digit
a{x=arg1,x=arg2} as b: Label name "x" is given twice
a as 0b: Invalid metric name "0b_in_flight": use letters, digits, _ and :, not starting with a digit
a as b buckets(2,1): Histogram buckets must be increasing numbers: 2 is followed by 1
a as b buckets(x): "x" is not a number
a buckets(1): labels and buckets of its own need a name of its own: add "as NAME"
count(a) as b buckets(1): count() measures no durations, so it has no buckets
a as b c: "c" is not understood
a{le=arg1} as b: Label name "le" is reserved: it has a meaning of its own on a histogram; choose another
a{a=arg1,b=arg1,c=arg1,d=arg1,e=arg1} as b: it has more than 4 labels
strlen: PHP compiles strlen() to an opcode, so its calls cannot be seen
COUNT: PHP compiles count() to an opcode, so its calls cannot be seen
a{exception=arg1} as b: Label name "exception" is given twice
x as late, y{l=arg1} as late: late is the name of an entry with other labels or buckets

Warning: promshm: promshm.observe_file: "not good" is skipped: "good" is not understood in Unknown on line 0
calls{function="A::run"} 1
calls{function="hex2bin"} 1
calls{function="usleep"} 1
in_flight{function="A::run"} 0
in_flight{function="hex2bin"} 0
in_flight{function="usleep"} 0

Warning: promshm: promshm.observe_file = "FILE.not" is not read: No such file or directory (os error 2) in Unknown on line 0
