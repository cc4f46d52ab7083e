--TEST--
Labels come from arguments, objects, properties and array keys, without running code of scripts
--DESCRIPTION--
A hundred values a label, then `other`. Magic methods, hooks and conversions are not called.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0b4
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';
require __DIR__ . '/observe.inc';

echo run_observed(<<<'LIST'
    by_class{m=class(arg1.message), who=class(arg1)} as by_class,
    by_value{v=arg1, missing=arg3} as by_value buckets(1, 2),
    by_key{job=arg1[data][job]} as by_key,
    By::property{q=this.queue, f=function, me=this} as by_property,
    By::inherited{q=this.hidden} as by_hidden,
    many{v=arg1} as many,
    count(counted){v=arg2} as counted,
    strtoupper{v=arg1} as upper, rest{v=arg3} as rest
    LIST, <<<'PHP'
    class Envelope {
        public function __construct(private readonly object $message) {}
        public function __get($name) { exit("never"); }
    }
    class Magic {
        public function __get($name) { exit("never"); }
        public function __toString() { exit("never"); }
        public function offsetGet($k) { exit("never"); }
    }
    class Base { private string $hidden = 'hidden'; }
    final class By extends Base {
        public ?string $queue = 'mail';
        public function property() {}
        public function inherited() {}
    }
    enum Suit: string { case Hearts = 'h'; }
    function by_class($envelope) {}
    function by_value($v = 'default', $w = null) {}
    function by_key($data) {}
    function many($v) {}
    function counted($a, $b = null) {}
    function rest($a, ...$rest) {}
    by_class(new Envelope(new Magic)); by_class(new Magic); by_class(null); by_class(new Envelope(new class {}));
    foreach (["text", 7, -1, true, false, 1.5, null, [], new Magic, Suit::Hearts, "\xff", str_repeat("x", 300)] as $value) { by_value($value); }
    by_value();
    $reference = 'by reference';
    $f = function (&$r) { by_value($r); }; $f($reference);
    by_key(['data' => ['job' => 'Mail']]); by_key(['data' => new Magic]); by_key([]); by_key(new Magic);
    $by = new By; $by->property(); $by->queue = null; $by->property(); unset($by->queue); $by->property(); $by->inherited();
    for ($i = 0; $i < 150; $i++) { many("v$i"); } many('v0'); many('v149');
    counted(1, 'x'); counted(1);
    strtoupper('abc'); rest(1, 2, 'third'); rest(1, 2);
    PHP);
echo preg_replace('/^many\S+"v.*\n/m', '', observed());
preg_match_all('/^many_duration_seconds_count/m', Promshm\Segment::render(), $found);
echo count($found[0]), " series of many\n";
echo sample('by_value_duration_seconds_bucket{v="text",missing="",le="2.0"}'), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
by_class_duration_seconds_count{m="",who=""} 1
by_class_duration_seconds_count{m="",who="Magic"} 1
by_class_duration_seconds_count{m="Magic",who="Envelope"} 1
by_class_duration_seconds_count{m="class@anonymous",who="Envelope"} 1
by_class_in_flight{m="",who=""} 0
by_class_in_flight{m="",who="Magic"} 0
by_class_in_flight{m="Magic",who="Envelope"} 0
by_class_in_flight{m="class@anonymous",who="Envelope"} 0
by_hidden_duration_seconds_count{q="hidden"} 1
by_hidden_in_flight{q="hidden"} 0
by_key_duration_seconds_count{job=""} 3
by_key_duration_seconds_count{job="Mail"} 1
by_key_in_flight{job=""} 0
by_key_in_flight{job="Mail"} 0
by_property_duration_seconds_count{q="",f="By::property",me="By"} 2
by_property_duration_seconds_count{q="mail",f="By::property",me="By"} 1
by_property_in_flight{q="",f="By::property",me="By"} 0
by_property_in_flight{q="mail",f="By::property",me="By"} 0
by_value_duration_seconds_count{v="",missing=""} 3
by_value_duration_seconds_count{v="-1",missing=""} 1
by_value_duration_seconds_count{v="7",missing=""} 1
by_value_duration_seconds_count{v="Magic",missing=""} 1
by_value_duration_seconds_count{v="Suit",missing=""} 1
by_value_duration_seconds_count{v="by reference",missing=""} 1
by_value_duration_seconds_count{v="default",missing=""} 1
by_value_duration_seconds_count{v="false",missing=""} 1
by_value_duration_seconds_count{v="other",missing=""} 1
by_value_duration_seconds_count{v="text",missing=""} 1
by_value_duration_seconds_count{v="true",missing=""} 1
by_value_duration_seconds_count{v="�",missing=""} 1
by_value_in_flight{v="",missing=""} 0
by_value_in_flight{v="-1",missing=""} 0
by_value_in_flight{v="7",missing=""} 0
by_value_in_flight{v="Magic",missing=""} 0
by_value_in_flight{v="Suit",missing=""} 0
by_value_in_flight{v="by reference",missing=""} 0
by_value_in_flight{v="default",missing=""} 0
by_value_in_flight{v="false",missing=""} 0
by_value_in_flight{v="other",missing=""} 0
by_value_in_flight{v="text",missing=""} 0
by_value_in_flight{v="true",missing=""} 0
by_value_in_flight{v="�",missing=""} 0
counted_calls_total{v=""} 1
counted_calls_total{v="x"} 1
many_duration_seconds_count{v="other"} 51
many_in_flight{v="other"} 0
rest_duration_seconds_count{v=""} 1
rest_duration_seconds_count{v="third"} 1
rest_in_flight{v=""} 0
rest_in_flight{v="third"} 0
upper_duration_seconds_count{v="abc"} 1
upper_in_flight{v="abc"} 0
101 series of many
1
