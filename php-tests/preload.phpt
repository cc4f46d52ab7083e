--TEST--
A preload script may count
--DESCRIPTION--
Where the server starts as root, opcache runs the preload script in a child, which ends without a module shutdown: it looked like a crash at each start.
--EXTENSIONS--
opcache
posix
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}209
promshm.mode=0666
--FILE--
<?php
require __DIR__ . '/common.inc';

// Started by root, the preload script runs as another user, who cannot read this folder.
$script = tempnam(sys_get_temp_dir(), 'promshm-preload');
file_put_contents($script, '<?php (new Promshm\Counter("preloaded_total"))->inc();');
chmod($script, 0644);
echo run_php('
    (new Counter("c_total"))->inc();
    $status = Segment::status();
    echo json_encode($status["worker_exits"]), " starts ", $status["worker_starts"], " slot ", $status["slot"], "\n";
    show();
', [
    'opcache.enable_cli' => '1',
    'opcache.preload' => $script,
    ...(posix_geteuid() === 0 ? ['opcache.preload_user' => 'nobody'] : []),
]);
unlink($script);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
{"clean":1,"fatal":0,"abrupt":0} starts 2 slot 1
c_total 1
preloaded_total 1
