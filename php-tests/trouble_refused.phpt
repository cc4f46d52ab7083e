--TEST--
A system call that the kernel refuses gives a warning that names the mend
--DESCRIPTION--
When descriptors run out, or a policy forbids the call, a larger segment does not help; all such errors used to give the same advice.
--EXTENSIONS--
posix
--INI--
promshm.segment=posix:/promshm-test-${PROMSHM_RUN}20d
--FILE--
<?php
require __DIR__ . '/common.inc';

// All descriptors are in use before the segment is created.
posix_setrlimit(POSIX_RLIMIT_NOFILE, 32, 32);
$files = [];
while (($file = @fopen('/dev/null', 'r')) !== false) {
    $files[] = $file;
}
@(new Promshm\Counter('c_total'))->inc();
$error = Promshm\Segment::status()['error'];
foreach (['EMFILE', 'ulimit -n', 'close'] as $word) {
    echo str_contains($error, $word) ? '' : "$word is missing: $error\n";
}
var_dump(str_contains($error, 'more room'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(false)
