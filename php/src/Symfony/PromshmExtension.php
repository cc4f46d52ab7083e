<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Artprima\PrometheusMetricsBundle\StorageFactory\StorageFactoryInterface;
use Doctrine\DBAL\Driver\Middleware;
use Promshm\CollectorRegistry;
use Promshm\RegistryInterface;
use Symfony\Component\Config\Definition\ConfigurationInterface;
use Symfony\Component\Console\Application;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\DependencyInjection\Definition;
use Symfony\Component\DependencyInjection\Extension\Extension;
use Symfony\Component\DependencyInjection\Reference;
use Symfony\Component\Messenger\MessageBusInterface;
use Symfony\Contracts\HttpClient\HttpClientInterface;

/**
 * Makes the bundle's services, for those parts of Symfony that are there.
 *
 * @internal
 */
final class PromshmExtension extends Extension
{
    /**
     * @param array<mixed> $config
     */
    public function getConfiguration(array $config, ContainerBuilder $container): ConfigurationInterface
    {
        return new PromshmConfiguration();
    }

    public function getAlias(): string
    {
        return 'promshm';
    }

    /**
     * @param array<mixed> $configs
     */
    public function load(array $configs, ContainerBuilder $container): void
    {
        /** @var array<string, array{enabled: bool, buckets: list<float>, sent_at?: bool}> $config */
        $config = $this->processConfiguration(new PromshmConfiguration(), $configs);
        $buckets = static fn (string $part): array => [$config[$part]['buckets'] ?: null];
        $container->setDefinition(CollectorRegistry::class, new Definition(CollectorRegistry::class, [null, false]));
        $container->setAlias(RegistryInterface::class, CollectorRegistry::class);
        if ($config['http']['enabled']) {
            self::add($container, HttpSubscriber::class, $buckets('http'), 'kernel.event_subscriber');
        }
        if ($config['console']['enabled'] && class_exists(Application::class)) {
            self::add($container, ConsoleSubscriber::class, $buckets('console'), 'kernel.event_subscriber');
            self::add($container, DebugMetricsCommand::class, [], 'console.command');
        }
        if ($config['messenger']['enabled'] && interface_exists(MessageBusInterface::class)) {
            self::add($container, MessengerMiddleware::class, [...$buckets('messenger'), $config['messenger']['sent_at'] ?? false]);
            self::add($container, MessengerSubscriber::class, [], 'kernel.event_subscriber');
            $receivers = new Reference('messenger.receiver_locator', ContainerInterface::NULL_ON_INVALID_REFERENCE);
            self::add($container, WatchQueuesCommand::class, [$receivers], 'console.command');
        }
        if ($config['doctrine']['enabled'] && interface_exists(Middleware::class)) {
            self::add($container, DoctrineMiddleware::class, $buckets('doctrine'), 'doctrine.middleware');
        }
        if ($config['http_client']['enabled'] && interface_exists(HttpClientInterface::class)) {
            $inner = new Reference('.inner');
            $client = new Definition(MetricsHttpClient::class, [$inner, 'default', ...$buckets('http_client')]);
            $client->setDecoratedService('http_client', null, 0, ContainerInterface::IGNORE_ON_INVALID_REFERENCE);
            $container->setDefinition(MetricsHttpClient::class, $client);
        }
        if (interface_exists(StorageFactoryInterface::class)) {
            $tag = 'prometheus_metrics_bundle.adapter_factory';
            self::add($container, ArtprimaStorageFactory::class, [], $tag);
        }
    }

    /**
     * @param class-string $class
     * @param list<mixed> $arguments
     */
    private static function add(ContainerBuilder $container, string $class, array $arguments, ?string $tag = null): void
    {
        $definition = new Definition($class, $arguments);
        if ($tag !== null) {
            $definition->addTag($tag);
        }
        $container->setDefinition($class, $definition);
    }
}
