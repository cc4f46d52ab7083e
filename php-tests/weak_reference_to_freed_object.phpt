--TEST--
A weak reference is cleared before the object's values are released
--DESCRIPTION--
A destructor of such a value that reads the reference would reach a partly freed object.
--FILE--
<?php
use Promshm\{MetricFamilySamples, Sample};

/** Reads the weak reference to its owner while the owner is released. */
class Seeker
{
    public static ?WeakReference $weak = null;
    public static WeakMap $map;

    public function __destruct()
    {
        var_dump(self::$weak?->get(), count(self::$map));
        foreach (self::$map as $object => $value) {
            var_dump($object::class);
        }
    }
}

class OwnSample extends Sample
{
    public array $own = [];
}

function release(object $object): void
{
    Seeker::$weak = WeakReference::create($object);
    Seeker::$map = new WeakMap();
    Seeker::$map[$object] = 1;
}

$sample = fn (string $class, array $values) => new $class(
    ['name' => 'n', 'labelNames' => ['a'], 'labelValues' => $values, 'value' => 1]
);
$family = fn (array $names) => new MetricFamilySamples(
    ['name' => 'n', 'type' => 'gauge', 'help' => '', 'labelNames' => $names]
);
release($sample(Sample::class, [new Seeker()]));
release($sample(OwnSample::class, [new Seeker()]));
release($family([new Seeker()]));
$own = $sample(OwnSample::class, ['x']);
$own->own[] = new Seeker();
release($own);
unset($own);
echo "done\n";
?>
--EXPECT--
NULL
int(0)
NULL
int(0)
NULL
int(0)
NULL
int(0)
done
