<?php

declare(strict_types=1);

namespace Promshm\Tests\Fallback;

use PHPUnit\Framework\Attributes\Group;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Fallback;
use Promshm\Tests\MetricsTestCase;

final class BootstrapTest extends MetricsTestCase
{
    /** @group fallback */
    #[Group('fallback')]
    public function testTheExtensionsNamesStandForTheStandIns(): void
    {
        foreach (Fallback\Names::ALL as $name) {
            $class = new \ReflectionClass("Promshm\\$name");
            self::assertSame("Promshm\\Fallback\\$name", $class->getName());
        }
    }

    /** @group fallback */
    #[Group('fallback')]
    public function testSwitchedOffTheyCheckAndCountNothing(): void
    {
        $code = <<<'PHP'
            $counter = new Promshm\Counter('c_total', '', ['a']);
            $counter->inc(['x']);
            $counter->labels('x')->incBy(2);
            var_dump(Promshm\Segment::render(), Promshm\Segment::status()['enabled'], $counter->remove(['x']));
            try {
                $counter->inc(['too', 'many']);
            } catch (Promshm\Exception\InvalidArgumentException) {
                echo "still checked\n";
            }
            PHP;
        putenv('PROMSHM_FALLBACK=off');
        $said = self::inAnotherProcess($code);
        putenv('PROMSHM_FALLBACK');
        self::assertSame("string(0) \"\"\nbool(false)\nbool(false)\nstill checked\n", $said);
    }

    /** @group fallback */
    #[Group('fallback')]
    public function testStandInsDifferFromTheExtensionAsTheReadmeSays(): void
    {
        $counter = new Counter('c_total');
        $counter->inc([], null, 'surplus');
        self::assertSame('Promshm\\Fallback\\Counter', $counter::class);
        $deprecated = null;
        set_error_handler(static function (int $level, string $message) use (&$deprecated): bool {
            $deprecated = "$level $message";
            return true;
        });
        $counter->surplus = 1;
        restore_error_handler();
        self::assertStringStartsWith(E_DEPRECATED . ' Creation of dynamic property', (string) $deprecated);
        $labelled = new Counter('labelled_total', '', ['a']);
        self::assertThrows(\TypeError::class, fn () => $labelled->labels([]));
    }

    /** @group native */
    #[Group('native')]
    public function testTheExtensionDiffersFromStandInsAsTheReadmeSays(): void
    {
        $counter = new Counter('c_total');
        self::assertThrows(\ArgumentCountError::class, fn () => $counter->inc([], null, 'surplus'));
        self::assertSame('Promshm\\Counter', $counter::class);
        self::assertThrows(\Error::class, fn () => $counter->surplus = 1);
        $labelled = new Counter('labelled_total', '', ['a']);
        self::assertThrows(InvalidArgumentException::class, fn () => $labelled->labels([]));
    }

    /** @group native */
    #[Group('native')]
    public function testTheExtensionsClassesAreLeftAlone(): void
    {
        foreach (Fallback\Names::ALL as $name) {
            self::assertTrue((new \ReflectionClass("Promshm\\$name"))->isInternal(), $name);
        }
    }
}
