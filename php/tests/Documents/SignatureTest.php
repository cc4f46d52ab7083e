<?php

declare(strict_types=1);

namespace Promshm\Tests\Documents;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Promshm\Fallback\Names;

require_once __DIR__ . '/../../../php-tests/describe.inc';

/**
 * The stand-ins have the signatures of ext/promshm.stub.php, which the extension is compared with as well.
 */
final class SignatureTest extends TestCase
{
    private const FALLBACK = 'Promshm\\Fallback\\';

    public static function setUpBeforeClass(): void
    {
        if (!class_exists(STUB . 'Promshm\\Counter', false)) {
            load_stub();
        }
    }

    public function testEveryClassOfTheStubHasAStandIn(): void
    {
        $all = [...get_declared_classes(), ...get_declared_interfaces()];
        $inStub = array_filter($all, static fn (string $name): bool => str_starts_with($name, STUB));
        $names = array_map(static fn (string $name): string => substr($name, strlen(STUB . 'Promshm\\')), $inStub);
        self::assertEqualsCanonicalizing(array_values($names), Names::ALL);
    }

    /**
     * @dataProvider names
     */
    #[DataProvider('names')]
    public function testAStandInHasTheSameSignatures(string $name): void
    {
        $stub = describe_class(new \ReflectionClass(STUB . "Promshm\\$name"));
        $standIn = self::describe(new \ReflectionClass(self::FALLBACK . $name));
        self::assertSame([], array_values(array_diff($stub, $standIn)), "only the stub has this of $name");
        $more = array_filter(array_diff($standIn, $stub), static fn ($line) => str_starts_with($line, 'public'));
        self::assertSame([], array_values($more), "only the stand-in has this of $name");
    }

    /**
     * @return array<mixed>
     */
    public static function names(): array
    {
        return array_map(static fn (string $name): array => [$name], Names::ALL);
    }

    /**
     * @param \ReflectionClass<object> $class
     * @return list<string>
     */
    private static function describe(\ReflectionClass $class): array
    {
        $hidden = array_filter($class->getMethods(), static fn (\ReflectionMethod $method): bool =>
            str_contains((string) $method->getDocComment(), '@internal')
            || in_array($method->getName(), ['__clone', '__serialize'], true));
        $lines = array_diff(describe_class($class), array_map(describe_method(...), $hidden));
        $own = $class->getName();
        return str_replace([': self', self::FALLBACK], [": $own", 'Promshm\\'], array_values($lines));
    }
}
