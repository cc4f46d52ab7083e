<?php

declare(strict_types=1);

namespace Promshm\Tests\Metrics;

use PHPUnit\Framework\Attributes\DataProvider;
use Promshm\CollectorRegistry;
use Promshm\Counter;
use Promshm\Exception\InvalidArgumentException;
use Promshm\Gauge;
use Promshm\Histogram;
use Promshm\Summary;
use Promshm\Tests\MetricsTestCase;

final class LabelTest extends MetricsTestCase
{
    public function testValuesAreTurnedIntoText(): void
    {
        $text = new class {
            public function __toString(): string
            {
                return 'object';
            }
        };
        $counter = new Counter('c_total', '', ['value']);
        foreach ([7, '7', -1, 0.5, 2.0, true, false, null, '', 'text', $text, INF, -INF, NAN] as $value) {
            $counter->inc([$value]);
        }
        self::assertSamples(
            'c_total{value=""} 2',
            'c_total{value="-1"} 1',
            'c_total{value="-INF"} 1',
            'c_total{value="0.5"} 1',
            'c_total{value="2"} 1',
            'c_total{value="7"} 2',
            'c_total{value="INF"} 1',
            'c_total{value="NAN"} 1',
            'c_total{value="false"} 1',
            'c_total{value="object"} 1',
            'c_total{value="text"} 1',
            'c_total{value="true"} 1'
        );
    }

    public function testAnEnumStandsForItsValueOrItsName(): void
    {
        $counter = new Counter('c_total', '', ['queue', 'state', 'level']);
        $counter->inc([Queue::Mail, State::Done, Level::High]);
        $counter->inc(['level' => Level::High, 'queue' => 'e-mail', 'state' => 'Done']);
        $counter->labels(Queue::Mail, State::Done, Level::High)->inc();
        $counter->labels(level: 3, state: State::Done, queue: Queue::Mail)->inc();
        $registry = new CollectorRegistry(null, false, ['queue' => Queue::Mail]);
        $registry->getOrRegisterCounter('', 'd_total', '')->inc();
        self::assertSamples('c_total{queue="e-mail",state="Done",level="3"} 4', 'd_total{queue="e-mail"} 1');
        self::assertTrue($counter->remove([Queue::Mail, State::Done, Level::High]));
    }

    public function testTheMessageNamesTheTypeOfWhatIsNoLabel(): void
    {
        $counter = new Counter('c_total', '', ['queue']);
        $class = InvalidArgumentException::class;
        $label = 'c_total: label queue must be a string, a number, a bool, an enum or Stringable, but is ';
        $objects = [[], new \ArrayObject(), static fn () => 1, STDIN, new class {
        }];
        $types = ['an array', 'an object of class ArrayObject', 'an object of class Closure', 'a resource',
            'an object of class class@anonymous'];
        foreach (array_combine($types, $objects) as $type => $value) {
            self::assertThrows($class, fn () => $counter->inc([$value]), $label . $type);
        }
        self::assertSamples();
    }

    public function testOrderOfNamesMakesNoOtherMetric(): void
    {
        $one = new Counter('jobs_total', '', ['queue', 'status']);
        $other = new Counter('jobs_total', '', ['status', 'queue']);
        $one->inc(['mail', 'ok']);
        $other->inc(['ok', 'mail']);
        $other->labels('ok', 'mail')->inc();
        $other->inc(['failed', 'mail']);
        $other->inc(['failed', 'video']);
        self::assertTrue($other->remove(['failed', 'mail']));
        self::assertFalse($one->remove(['failed', 'mail']));
        self::assertSame(['status', 'queue'], $other->getLabelNames());
        self::assertSamples(
            'jobs_total{queue="mail",status="ok"} 3',
            'jobs_total{queue="video",status="failed"} 1'
        );
    }

    public function testPrecisionRoundsNothing(): void
    {
        $precision = ini_set('precision', '3');
        $serialize = ini_set('serialize_precision', '3');
        (new Gauge('g', '', ['value']))->set(0.123456789, [0.123456789]);
        $samples = self::samples();
        ini_set('precision', (string) $precision);
        ini_set('serialize_precision', (string) $serialize);
        self::assertSame("g{value=\"0.123456789\"} 0.123456789\n", $samples);
    }

    public function testFloatsAreSpeltAsPhpDoesWithoutRounding(): void
    {
        $floats = [
            1e16, 1e17, 1.5e17, -1e25, 0.0001, 0.00001, 1.2345e-5, 5e-324, PHP_FLOAT_MAX, 0.1 + 0.2, 1754899619195046.2,
        ];
        $counter = new Counter('c_total', '', ['value']);
        foreach ($floats as $float) {
            $counter->inc([$float]);
        }
        $precision = ini_set('precision', '-1');
        $expected = array_map(static fn (float $float): string => "c_total{value=\"$float\"} 1", $floats);
        ini_set('precision', (string) $precision);
        self::assertEqualsCanonicalizing($expected, explode("\n", rtrim(self::samples())));
    }

    public function testConstantLabelsAreSpeltAsAllOthers(): void
    {
        $values = [true, false, null, 1e25, 5, "a\xff"];
        $names = ['a', 'b', 'c', 'd', 'e', 'f'];
        $registry = new CollectorRegistry(null, false, array_combine($names, $values));
        $registry->registerCounter('', 'c_total', '', ['g', 'h', 'i', 'j', 'k', 'l'])->inc($values);
        preg_match_all('/="(.*?)"/', self::samples(), $found);
        self::assertSame(array_slice($found[1], 0, 6), array_slice($found[1], 6));
        $wrong = static fn (): CollectorRegistry => new CollectorRegistry(null, false, ['a' => []]);
        self::assertThrows(InvalidArgumentException::class, $wrong, 'Constant label a', 'an array');
    }

    public function testWhatIsNoUtf8IsReplaced(): void
    {
        $counter = new Counter('c_total', '', ['value']);
        $counter->inc(["caf\xc3\xa9"]);
        $counter->inc(["caf\xe9 <&amp;>"]);
        $counter->labels("\xff")->inc();
        $replaced = "\u{FFFD}";
        self::assertSamples(
            'c_total{value="café"} 1',
            "c_total{value=\"caf$replaced <&amp;>\"} 1",
            "c_total{value=\"$replaced\"} 1"
        );
    }

    public function testQuotesBackslashesAndBreaksAreEscaped(): void
    {
        (new Counter('c_total', '', ['a', 'b']))->inc(["say \"hi\"\\\n", 'é']);
        self::assertSamples('c_total{a="say \"hi\"\\\\\n",b="é"} 1');
    }

    public function testOverlongValuesAreCutAndStayApart(): void
    {
        $counter = new Counter('c_total', '', ['path']);
        foreach (['x', 'y', 'y'] as $end) {
            $counter->inc([str_repeat('é', 1000) . $end]);
        }
        preg_match_all('/path="(.*)"\} (\d)/', self::samples(), $found);
        self::assertEqualsCanonicalizing(['1', '2'], $found[2]);
        self::assertLessThanOrEqual(1024, max(array_map('strlen', $found[1])));
        self::assertSame(1, preg_match('//u', self::samples()));
    }

    /**
     * @dataProvider labelsThatDoNotFit
     * @param array<mixed> $labels
     */
    #[DataProvider('labelsThatDoNotFit')]
    public function testLabelsThatDoNotFit(array $labels): void
    {
        $counter = new Counter('c_total', '', ['queue', 'status']);
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => $counter->inc($labels), 'c_total');
        self::assertThrows($class, fn () => $counter->remove($labels), 'c_total');
        self::assertThrows($class, fn () => (new Gauge('g', '', ['queue', 'status']))->set(1, $labels), 'g');
        self::assertThrows($class, fn () => (new Histogram('h', '', ['queue', 'status']))->observe(1, $labels), 'h');
        self::assertSamples();
    }

    /**
     * @return array<mixed>
     */
    public static function labelsThatDoNotFit(): array
    {
        return [
            'none' => [[]],
            'too few' => [['mail']],
            'too many' => [['mail', 'ok', 'more']],
            'wrong name' => [['queue' => 'mail', 'state' => 'ok']],
            'one name missing' => [['queue' => 'mail']],
            'half keyed' => [['queue' => 'mail', 0 => 'ok']],
            'numbers that are no list' => [[5 => 'mail', 6 => 'ok']],
            'an array' => [['mail', []]],
            'an object without text' => [['mail', new \stdClass()]],
        ];
    }

    public function testLabelsRefusesUnknownNamesAndNull(): void
    {
        $counter = new Counter('c_total', '', ['a', 'b']);
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => $counter->labels('x', 'y', zzz: 'q'), 'c_total');
        self::assertThrows($class, fn () => $counter->labels('x', b: 'y'), 'c_total');
        self::assertThrows($class, fn () => $counter->labels(a: 'x', zzz: 'q'), 'zzz is not one of its labels');
        $values = ['x', null];
        self::assertThrows(\TypeError::class, fn () => $counter->labels(...$values), 'null given');
        self::assertThrows(\TypeError::class, fn () => $counter->labels(...['a' => 'x', 'b' => null]), 'null given');
        self::assertSamples();
    }

    public function testMoreThan64LabelsAreRefused(): void
    {
        $names = array_map(static fn (int $number): string => "l$number", range(1, 65));
        $make = static fn (): Counter => new Counter('c_total', '', $names);
        self::assertThrows(InvalidArgumentException::class, $make, 'The labels are more than 64');
        self::assertSame(64, count((new Counter('c_total', '', array_slice($names, 1)))->getLabelNames()));
    }

    /** Functions of PHP that call back do so without strict types. */
    public function testNullIsNoNumber(): void
    {
        $methods = [
            [new Counter('c_total', '', ['a']), 'incBy'],
            [new Gauge('g', '', ['a']), 'set'],
            [new Histogram('h', '', ['a']), 'observe'],
            [new Summary('s', '', ['a']), 'observe'],
        ];
        foreach ($methods as $method) {
            self::assertThrows(\TypeError::class, fn () => call_user_func($method, null), '#1 ($value)', 'null given');
        }
        self::assertSamples();
    }

    public function testAPlainMetricTakesNoLabels(): void
    {
        $counter = new Counter('c_total');
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => $counter->inc(['x']), 'c_total');
        self::assertThrows($class, fn () => $counter->labels('x'), 'c_total');
    }

    public function testABoundHandleTakesNoLabels(): void
    {
        $counter = (new Counter('c_total', '', ['a']))->labels('x');
        $class = InvalidArgumentException::class;
        self::assertThrows($class, fn () => $counter->inc(['x']), 'c_total', 'bound');
        self::assertThrows($class, fn () => $counter->labels('y'), 'c_total', 'bound');
        self::assertThrows($class, fn () => $counter->remove(['x']), 'c_total', 'bound');
    }
}
