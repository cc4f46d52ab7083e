<?php
// The libraries that ours is measured against, from the checkouts that PROMPHP and OTEL_PHP name.

use OpenTelemetry\SDK\{Common\Attribute\Attributes, Metrics\MeterProvider, Metrics\MetricExporter\InMemoryExporter, Resource\ResourceInfo};
use OpenTelemetry\SDK\Metrics\MetricReader\ExportingReader;
use Prometheus\{CollectorRegistry, Storage};

/** Loads classes of these namespaces from these folders. */
function load_from(array $folders): void
{
    spl_autoload_register(function (string $class) use ($folders): void {
        foreach ($folders as $space => $folder) {
            $file = $folder . strtr(substr($class, strlen($space)), '\\', '/') . '.php';
            if (str_starts_with($class, $space) && is_file($file)) {
                require $file;
                return;
            }
        }
    });
}

/** A registry of PromPHP on the storage that the variant names. */
function promphp(string $variant): CollectorRegistry
{
    load_from(['Prometheus\\' => getenv('PROMPHP') . '/src/Prometheus/', 'Promshm\\' => dirname(__DIR__) . '/php/src/']);
    $redis = fn() => new Storage\Redis(['host' => '127.0.0.1', 'port' => (int) getenv('BENCH_REDIS_PORT')]);
    $storage = match ($variant) {
        'PromPHP in memory', 'PromPHP, in memory' => new Storage\InMemory(),
        'PromPHP on APCu' => new Storage\APC(),
        'PromPHP on APCu (APCng)' => new Storage\APCng(),
        'PromPHP on Redis' => $redis(),
        'PromPHP on promshm' => new Promshm\Storage\PromphpAdapter(),
    };
    return new CollectorRegistry($storage, false);
}

/** A counter of OpenTelemetry's SDK, which a reader collects. */
function opentelemetry(): OpenTelemetry\API\Metrics\CounterInterface
{
    [$sdk, $spi] = [...explode(':', getenv('OTEL_PHP')), ''];
    if (is_file("$sdk/vendor/autoload.php")) {
        require "$sdk/vendor/autoload.php";
    } else {
        load_from(['OpenTelemetry\\' => "$sdk/src/", 'Nevay\\SPI\\' => "$spi/src/", 'Psr\\' => '/usr/share/php/Psr/']);
    }
    $reader = new ExportingReader(new InMemoryExporter());
    $provider = MeterProvider::builder()->setResource(ResourceInfo::create(Attributes::create([])))->addReader($reader)->build();
    $GLOBALS['opentelemetry'] = $provider; // else it would end with this function
    return $provider->getMeter('bench')->createCounter('requests');
}
