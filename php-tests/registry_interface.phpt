--TEST--
RegistryInterface and RendererInterface work as parameter types and can be implemented
--DESCRIPTION--
PromPHP's users name these two in their constructors, and implement them in their tests: moving changes their use lines alone.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}0d1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, RegistryInterface, RendererInterface, RenderTextFormat};

final class Service
{
    public function __construct(private RegistryInterface $registry, private RendererInterface $renderer)
    {
    }

    public function page(): string
    {
        $this->registry->getOrRegisterCounter('app', 'jobs_total', 'Jobs done.', ['queue'])->inc(['mail']);
        return $this->renderer->render($this->registry->getMetricFamilySamples());
    }
}

echo preg_replace('/^.*php_worker_.*\n/m', '', (new Service(new CollectorRegistry(null, false), new RenderTextFormat()))->page());

final class Shouting implements RendererInterface
{
    public function render(array $metrics, string ...$more): string
    {
        return strtoupper((new RenderTextFormat())->render($metrics));
    }
}

var_dump(str_contains((new Service(new CollectorRegistry(null, false), new Shouting()))->page(), 'APP_JOBS_TOTAL{QUEUE="MAIL"} 2'));
attempt(fn () => new Service(new stdClass(), new RenderTextFormat()), 'Promshm\RegistryInterface');
attempt(fn () => (new ReflectionMethod(RegistryInterface::class, 'wipeStorage'))->invoke(null));

// A class that implements only some methods is refused.
exec(php_command() . ' -r ' . escapeshellarg('class Half implements Promshm\RegistryInterface { function wipeStorage(): void {} }') . ' 2>&1', $said);
var_dump(str_contains(implode("\n", $said), 'contains 16 abstract methods'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
# HELP app_jobs_total Jobs done.
# TYPE app_jobs_total counter
app_jobs_total{queue="mail"} 1
bool(true)
TypeError
ReflectionException
bool(true)
