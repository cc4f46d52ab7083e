--TEST--
Listed internal functions and methods are counted, timed, and their errors told apart
--DESCRIPTION--
Their handlers are replaced once all modules have started. A class inherits copies of its parent's handlers, callbacks and reflection call handlers too, and a disabled function is gone.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b1
promshm.runtime_metrics=0
promshm.observe="json_decode, usleep, hex2bin, ArrayObject::*, count(str_repeat), bin2hex"
disable_functions=bin2hex
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

class Own extends ArrayObject
{
    public function offsetGet(mixed $key): mixed
    {
        return parent::offsetGet($key);
    }
}

json_decode('1');
try {
    json_decode('{', flags: JSON_THROW_ON_ERROR);
} catch (JsonException) {
}
try {
    json_decode([]);
} catch (TypeError) {
}
array_map('json_decode', ['1', '2']);
(new ReflectionFunction('json_decode'))->invoke('3');
call_user_func('json_decode', '4');
(json_decode(...))('5');
$own = new Own([1, 2]);
$own[0];
count($own);
$own->count();
foreach ($own as $value) {
}
usleep(2000);
hex2bin('00');
str_repeat('a', 2);
var_dump(function_exists('bin2hex'), sample('php_function_duration_seconds_sum{function="usleep"}') >= 0.002);
echo observed();
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
bool(false)
bool(true)
calls_total{function="str_repeat"} 1
calls{function="ArrayObject::__construct"} 1
calls{function="ArrayObject::count"} 1
calls{function="ArrayObject::getIterator"} 1
calls{function="ArrayObject::offsetGet"} 1
calls{function="hex2bin"} 1
calls{function="json_decode"} 8
calls{function="usleep"} 1
errors_total{function="json_decode",exception="JsonException"} 1
errors_total{function="json_decode",exception="TypeError"} 1
in_flight{function="ArrayObject::__construct"} 0
in_flight{function="ArrayObject::count"} 0
in_flight{function="ArrayObject::getIterator"} 0
in_flight{function="ArrayObject::offsetGet"} 0
in_flight{function="hex2bin"} 0
in_flight{function="json_decode"} 0
in_flight{function="usleep"} 0
