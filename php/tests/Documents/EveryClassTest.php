<?php

declare(strict_types=1);

namespace Promshm\Tests\Documents;

use PHPUnit\Framework\TestCase;
use Promshm\Fallback\Names;

use function Promshm\Tests\Stubs\use_every_class;

require_once __DIR__ . '/../../../php-tests/describe.inc';
require_once __DIR__ . '/../Stubs/every_class.php';

/**
 * Static analysers compare tests/Stubs with ext/promshm.stub.php; here the same runs, so the types hold.
 */
final class EveryClassTest extends TestCase
{
    public function testWhatTheStubDocumentsRuns(): void
    {
        $seen = use_every_class();
        self::assertContains('3 mistakes', $seen);
        self::assertContains('app_a_total', $seen);
        self::assertContains('app_c_bucket 3 le 1', $seen);
    }

    public function testNothingOfTheStubIsLeftOut(): void
    {
        if (!class_exists(STUB . 'Promshm\\Counter', false)) {
            load_stub();
        }
        $source = (string) file_get_contents(__DIR__ . '/../Stubs/every_class.php');
        $unused = [];
        foreach (Names::ALL as $name) {
            $class = new \ReflectionClass(STUB . "Promshm\\$name");
            foreach ($class->getMethods(\ReflectionMethod::IS_PUBLIC) as $method) {
                $isOwn = $method->getDeclaringClass()->getName() === $class->getName() && !$class->isEnum();
                $call = '/(->|::)' . preg_quote($method->getName(), '/') . '\(/';
                if ($isOwn && !$method->isConstructor() && preg_match($call, $source) !== 1) {
                    $unused[] = "$name::{$method->getName()}()";
                }
            }
        }
        self::assertSame([], $unused);
    }
}
