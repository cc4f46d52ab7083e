--TEST--
Reference cycles through samples, families and registries are collected
--DESCRIPTION--
The collector frees a cycle only if each object in it reports everything it holds; live objects must stay.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, MetricFamilySamples, RenderTextFormat, Sample};

class Holder
{
    public array $held = [];
    public static int $gone = 0;

    public function __destruct()
    {
        self::$gone++;
    }
}

class OwnRegistry extends CollectorRegistry
{
    public ?Holder $holder = null;
}

class OwnSample extends Sample
{
    public ?Holder $holder = null;
}

function sample_with(Holder $holder, string $class = Sample::class): Sample
{
    return new $class(['name' => 'n', 'labelNames' => ['a'], 'labelValues' => [$holder], 'value' => 1]);
}

function family_with(array $names, array $samples): MetricFamilySamples
{
    return new MetricFamilySamples(
        ['name' => 'n', 'type' => 'gauge', 'help' => '', 'labelNames' => $names, 'samples' => $samples]
    );
}

/** Builds cycles, runs the collector, and returns how many were freed. */
function collected(callable $build): void
{
    gc_collect_cycles();
    Holder::$gone = 0;
    for ($i = 0; $i < 1000; $i++) {
        $build();
    }
    gc_collect_cycles();
    echo Holder::$gone, "\n";
}

collected(function () {
    $holder = new Holder();
    $holder->held[] = sample_with($holder);
});
collected(function () {
    $holder = new Holder();
    $holder->held[] = family_with([$holder], []);
});
collected(function () {
    $holder = new Holder();
    $values = ['name' => 'n', 'labelNames' => [], 'labelValues' => [$holder], 'value' => 1];
    $holder->held[] = family_with([], [$values]);
});
collected(function () {
    $holder = new Holder();
    $holder->held[] = $own = sample_with($holder, OwnSample::class);
    $own->holder = $holder;
});
collected(function () {
    $registry = new OwnRegistry(null, false);
    $registry->holder = new Holder();
    $registry->holder->held = [$registry, $registry->getOrRegisterCounter('', 'c', '', ['a'])];
    $registry->getCounter('', 'c')->inc(['x']);
});

// Objects that are still referenced are kept.
$holder = new Holder();
$holder->held = [$sample = sample_with($holder), $family = family_with([$holder], [])];
$map = new WeakMap();
$map[$sample] = $family;
Holder::$gone = 0;
gc_collect_cycles();
var_dump(Holder::$gone, $sample->getLabelValues()[0] === $holder, $family->getLabelNames()[0] === $holder);
$holder->held = [];
echo sample('c{a="x"}'), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
1000
1000
1000
1000
1000
int(0)
bool(true)
bool(true)
1000
