--TEST--
ext/promshm.stub.php and the extension describe the same API
--DESCRIPTION--
The stub is the documented API, kept by hand. It is loaded here under another namespace and compared, both ways.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}038
--FILE--
<?php
const STUB = 'Stub\\';

/** A type, default or name as text, whichever of the two namespaces it comes from. */
function plain(mixed $text): string
{
    return str_replace(STUB, '', is_string($text) || $text instanceof Stringable ? (string) $text : var_export($text, true));
}

function describe_parameter(ReflectionParameter $parameter): string
{
    return plain($parameter->getType() ?? 'untyped')
        . ($parameter->isPassedByReference() ? ' &' : ' ')
        . ($parameter->isVariadic() ? '...' : '')
        . '$' . $parameter->getName()
        . ($parameter->isDefaultValueAvailable() ? ' = ' . plain(var_export($parameter->getDefaultValue(), true)) : '');
}

function describe_method(ReflectionMethod $method): string
{
    $parameters = implode(', ', array_map('describe_parameter', $method->getParameters()));
    $modifiers = implode(' ', Reflection::getModifierNames($method->getModifiers()));
    return "$modifiers function {$method->getName()}($parameters): " . plain($method->getReturnType() ?? 'nothing');
}

function describe_class(ReflectionClass $class): array
{
    $kind = $class->isEnum() ? 'enum' : ($class->isInterface() ? 'interface' : 'class');
    $parent = $class->getParentClass();
    $interfaces = array_map('plain', $class->getInterfaceNames());
    sort($interfaces);
    $lines = [
        ($class->isFinal() ? 'final ' : '') . ($class->isAbstract() && !$class->isInterface() ? 'abstract ' : '') . $kind
            . ($parent ? ' extends ' . plain($parent->getName()) : '') . ' implements ' . implode(', ', $interfaces),
    ];
    if ($class->isEnum()) {
        $lines[] = 'backed by ' . (new ReflectionEnum($class->getName()))->getBackingType();
    }
    foreach ($class->getReflectionConstants() as $constant) {
        $value = $constant->getValue();
        $lines[] = "const {$constant->getName()} = " . plain($value instanceof BackedEnum ? "case $value->value" : $value);
    }
    foreach ($class->getProperties() as $property) {
        if ($property->getDeclaringClass()->getName() === $class->getName()) {
            $lines[] = 'property ' . $property->getName();
        }
    }
    foreach ($class->getMethods() as $method) {
        if ($method->getDeclaringClass()->getName() === $class->getName()) {
            $lines[] = describe_method($method);
        }
    }
    sort($lines);
    return $lines;
}

$source = preg_replace('/^<\?php/', '', file_get_contents(__DIR__ . '/../ext/promshm.stub.php'));
eval(str_replace('namespace Promshm', 'namespace ' . STUB . 'Promshm', $source));

$extension = new ReflectionExtension('promshm');
$inStub = array_map('plain', array_filter(
    [...get_declared_classes(), ...get_declared_interfaces()],
    fn ($name) => str_starts_with($name, STUB),
));
$inExtension = $extension->getClassNames();
sort($inStub);
sort($inExtension);
echo 'only in the stub: ', implode(' ', array_diff($inStub, $inExtension)) ?: 'none', "\n";
echo 'only in the extension: ', implode(' ', array_diff($inExtension, $inStub)) ?: 'none', "\n";
echo 'functions: ', implode(' ', array_keys($extension->getFunctions())) ?: 'none', "\n";
echo 'constants: ', implode(' ', array_keys($extension->getConstants())) ?: 'none', "\n";

$compared = 0;
foreach (array_intersect($inStub, $inExtension) as $name) {
    $stub = describe_class(new ReflectionClass(STUB . $name));
    $native = describe_class(new ReflectionClass($name));
    foreach (array_diff($stub, $native) as $line) {
        echo "$name, only in the stub: $line\n";
    }
    foreach (array_diff($native, $stub) as $line) {
        echo "$name, only in the extension: $line\n";
    }
    $compared += count($stub);
}
echo $compared > 50 ? 'enough' : "only $compared", " lines compared\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
only in the stub: none
only in the extension: none
functions: none
constants: none
enough lines compared
