--TEST--
ext/promshm.stub.php and the extension describe the same API
--DESCRIPTION--
The stub is the documented API, kept by hand. It is loaded here under another namespace and compared, both ways.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}038
--FILE--
<?php
require __DIR__ . '/describe.inc';

load_stub();
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
