--TEST--
dl() throws an Error, and the script continues without the extension
--DESCRIPTION--
It would be unloaded at the request's end, and the engine keeps its hooks for as long as the process lives.
--FILE--
<?php
require __DIR__ . '/common.inc';

preg_match('~extension=["\']?(/[^"\' ]+)~', getenv('TEST_PHP_EXTRA_ARGS'), $loaded);
$code = <<<'PHP'
    try {
        dl(getenv('LIBRARY'));
        echo "nothing thrown\n";
    } catch (Error $error) {
        echo $error::class, ': ', $error->getMessage(), "\n";
    }
    echo @$undefined;
    var_dump(class_exists('Promshm\Counter'), ini_get('promshm.segment'));
    register_shutdown_function(fn () => print(@$undefined . "goes on\n"));
    PHP;
$settings = '-d enable_dl=1 -d extension_dir=' . escapeshellarg(dirname($loaded[1]));
putenv('LIBRARY=' . basename($loaded[1]));
passthru(getenv('TEST_PHP_EXECUTABLE') . " -n $settings -r " . escapeshellarg($code) . ' 2>&1', $status);
var_dump($status);
?>
--EXPECT--
Error: promshm cannot be loaded by dl(), for one request: what it counts outlives requests. Put extension=promshm into php.ini
bool(false)
bool(false)
goes on
int(0)
