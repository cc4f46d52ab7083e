<?php
// A request of a web application: it constructs ten metrics, counts into each, and ends. BENCH_WAY says by what.

use Prometheus\{CollectorRegistry, Storage};

const NAMES = ['logins', 'orders', 'mails', 'errors', 'hits', 'misses'];

function by_promshm(): void
{
    foreach (NAMES as $name) {
        (new Promshm\Counter("app_{$name}_total", 'Things that happened.', ['kind', 'status']))->inc(['web', 'ok']);
    }
    foreach (['load', 'queue'] as $name) {
        (new Promshm\Gauge("app_$name", 'How much there is.', ['kind'], Promshm\GaugeMode::Last))->set(7, ['web']);
    }
    foreach (['request', 'query'] as $name) {
        (new Promshm\Histogram("app_{$name}_seconds", 'How long it took.', ['kind']))->observe(0.3, ['web']);
    }
}

function by_promphp(Storage\Adapter $storage): void
{
    $registry = new CollectorRegistry($storage, false);
    foreach (NAMES as $name) {
        $registry->getOrRegisterCounter('app', "{$name}_total", 'Things that happened.', ['kind', 'status'])->inc(['web', 'ok']);
    }
    foreach (['load', 'queue'] as $name) {
        $registry->getOrRegisterGauge('app', $name, 'How much there is.', ['kind'])->set(7, ['web']);
    }
    foreach (['request', 'query'] as $name) {
        $registry->getOrRegisterHistogram('app', "{$name}_seconds", 'How long it took.', ['kind'])->observe(0.3, ['web']);
    }
}

spl_autoload_register(function (string $class): void {
    require getenv('PROMPHP') . '/src/' . strtr($class, '\\', '/') . '.php';
});
match (getenv('BENCH_WAY')) {
    'promshm' => by_promshm(),
    'apcu' => by_promphp(new Storage\APC()),
    'apcng' => by_promphp(new Storage\APCng()),
    'redis' => by_promphp(new Storage\Redis(['host' => '127.0.0.1', 'port' => (int) getenv('BENCH_REDIS_PORT'), 'persistent_connections' => true])),
    default => null,
};
