--TEST--
The storage warning keeps the error handlers that the script and its output callbacks set
--DESCRIPTION--
A displayed warning passes through output callbacks, which run scripts: they may set handlers, or fail.
--EXTENSIONS--
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e4
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

shmop_write(shmop_open(segment_key(), 'n', 0666, 1 << 20), 'not promshm', 0);
set_error_handler(function (int $level, string $message) {
    fwrite(STDERR, "outer: $message\n");
    return true;
});
$seen = [];
ob_start(function (string $text) use (&$seen) {
    if (str_contains($text, 'promshm')) {
        set_error_handler(function (int $level, string $message) use (&$seen) {
            $seen[] = "inner: $message";
            return true;
        });
    }
    return $text;
}, 1);
(new Counter('c_total'))->inc();
ob_end_clean();
trigger_error('after');
restore_error_handler();
set_error_handler(function (int $level, string $message) use (&$seen) {
    $seen[] = "last: $message";
    return true;
});
trigger_error('again');
var_dump($seen);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
%A
array(2) {
  [0]=>
  string(12) "inner: after"
  [1]=>
  string(11) "last: again"
}
