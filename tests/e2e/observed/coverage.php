<?php
// Says which lines Xdebug or pcov has seen of a file whose functions end in every way, as JSON.
$tool = extension_loaded('xdebug') ? 'xdebug' : 'pcov';
$file = __DIR__ . '/covered.php';
$tool === 'xdebug' ? xdebug_start_code_coverage(XDEBUG_CC_UNUSED | XDEBUG_CC_DEAD_CODE) : pcov\start();
$caught = require $file;
$lines = $tool === 'xdebug' ? xdebug_get_code_coverage()[$file] : pcov\collect(pcov\inclusive, [$file])[$file];
ksort($lines);
echo json_encode(['lines' => $lines, 'caught' => $caught]);
