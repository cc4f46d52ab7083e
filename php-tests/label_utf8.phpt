--TEST--
Invalid UTF-8 in a label value is replaced
--DESCRIPTION--
Prometheus refuses a whole scrape for one bad byte, and a metric must not break a request.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}009
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$c = new Counter('c_total', '', ['value']);
$c->inc(["caf\xc3\xa9"]);
$c->inc(["caf\xe9"]);
$c->inc(["cut \xc3"]);
$c->inc(["\xff"]);
$c->labels("bound \xff")->inc();
$c->inc(["\u{1F418}"]);
show();
var_dump((bool) preg_match('//u', Segment::render()));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
c_total{value="bound �"} 1
c_total{value="café"} 1
c_total{value="caf�"} 1
c_total{value="cut �"} 1
c_total{value="�"} 1
c_total{value="🐘"} 1
bool(true)
