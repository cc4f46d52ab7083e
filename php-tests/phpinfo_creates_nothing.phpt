--TEST--
phpinfo() does not create the segment
--DESCRIPTION--
A segment created by root on a console could not be used by the workers' user.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}044
--FILE--
<?php
require __DIR__ . '/common.inc';

ob_start();
phpinfo(INFO_MODULES);
ob_end_clean();
shell_exec(php_command() . ' --ri promshm 2>&1');
var_dump(kernel_row('shm'), kernel_row('sem'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
NULL
NULL
