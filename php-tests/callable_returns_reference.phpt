--TEST--
time() and trackInProgress() return the value of a function that returns a reference
--DESCRIPTION--
No native function returns a reference; a reference stored in a variable would be compared, counted and copied wrongly.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e8
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Gauge, Histogram};

class Owner
{
    public array $list = [1, 2];

    public function &get(): array
    {
        return $this->list;
    }
}

$value = 1;
$truth = false;
$returns = function &() use (&$value) {
    return $value;
};
$falsehood = function &() use (&$truth) {
    return $truth;
};
$owner = new Owner();
$around = [
    'time' => (new Histogram('h'))->time(...),
    'track' => (new Gauge('g'))->trackInProgress(...),
    'call_user_func' => call_user_func(...),
];
$h = new Histogram('h');
$g = new Gauge('g');
foreach ([fn ($f) => $h->time($f), fn ($f) => $g->trackInProgress($f), ...$around] as $call) {
    $copy = [$call($returns)];
    $copy[0]++;
    $list = $call([$owner, 'get']);
    $list[] = 3;
    foreach ($call([$owner, 'get']) as &$element) {
        $element = 9;
    }
    unset($element);
    var_dump($value, $copy[0], count($owner->list), $owner->list[0], $call($returns) === 1, $call($falsehood) ? 'true' : 'false');
}
// The returned value may hold the last reference to the variable.
var_dump($h->time(function &() {
    $local = str_repeat('x', 3);
    return $local;
}));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
int(1)
int(2)
int(2)
int(1)
bool(true)
string(5) "false"
int(1)
int(2)
int(2)
int(1)
bool(true)
string(5) "false"
int(1)
int(2)
int(2)
int(1)
bool(true)
string(5) "false"
int(1)
int(2)
int(2)
int(1)
bool(true)
string(5) "false"
int(1)
int(2)
int(2)
int(1)
bool(true)
string(5) "false"
string(3) "xxx"
