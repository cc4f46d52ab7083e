--TEST--
Every exception implements the common interface and extends the matching SPL class
--DESCRIPTION--
Names and parents are those of PromPHP. People catch \InvalidArgumentException, or everything of the extension at once; both must work.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}036
--FILE--
<?php
use Promshm\Counter;

foreach (['InvalidArgumentException', 'MetricsRegistrationException', 'MetricNotFoundException', 'StorageException'] as $name) {
    $class = "Promshm\\Exception\\$name";
    echo $class, ' extends ', get_parent_class($class), "\n";
    $thrown = new $class('message', 5, new LogicException('before'));
    var_dump($thrown instanceof Promshm\Exception\ExceptionInterface);
    echo $thrown->getMessage(), ' ', $thrown->getCode(), ' ', $thrown->getPrevious()->getMessage(), "\n";
}
var_dump(is_subclass_of(Promshm\Exception\ExceptionInterface::class, Throwable::class));
try {
    new Counter('not a name');
} catch (Promshm\Exception\ExceptionInterface $thrown) {
    echo basename($thrown->getFile()), ' ', $thrown->getLine() > 0 ? 'has a line' : 'has none', "\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
Promshm\Exception\InvalidArgumentException extends InvalidArgumentException
bool(true)
message 5 before
Promshm\Exception\MetricsRegistrationException extends Exception
bool(true)
message 5 before
Promshm\Exception\MetricNotFoundException extends RuntimeException
bool(true)
message 5 before
Promshm\Exception\StorageException extends Exception
bool(true)
message 5 before
bool(true)
exceptions.php has a line
