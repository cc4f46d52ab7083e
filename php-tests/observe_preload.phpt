--TEST--
Preloaded functions are observed
--DESCRIPTION--
The list is installed before the preload script is compiled.
--EXTENSIONS--
opcache
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0bb
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

$file = tempnam(sys_get_temp_dir(), 'promshm');
chmod($file, 0644);
file_put_contents($file, '<?php class Preloaded { function run() { return hex2bin("00"); } } function preloaded() {}');
$user = posix_geteuid() === 0 ? ['opcache.preload_user' => 'nobody'] : [];
echo run_observed('preloaded, Preloaded::*, hex2bin', '(new Preloaded)->run(); preloaded();', ['opcache.enable_cli' => 1, 'opcache.preload' => $file] + $user), observed();
unlink($file);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
calls{function="Preloaded::run"} 1
calls{function="hex2bin"} 1
calls{function="preloaded"} 1
in_flight{function="Preloaded::run"} 0
in_flight{function="hex2bin"} 0
in_flight{function="preloaded"} 0
