--TEST--
A refusal of the kernel says what would help
--DESCRIPTION--
Out of descriptors, or forbidden by a policy, more room helps nothing; the advice was the same for all refusals.
--EXTENSIONS--
posix
--INI--
promshm.segment=posix:/promshm-test-${PROMSHM_RUN}20d
--FILE--
<?php
require __DIR__ . '/common.inc';

// Each descriptor that there may be is taken before the segment is made.
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
