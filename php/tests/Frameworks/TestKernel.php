<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

use Promshm\Symfony\DoctrineMiddleware;
use Promshm\Symfony\MessengerMiddleware;
use Promshm\Symfony\PromshmBundle;
use Psr\Log\NullLogger;
use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Component\Config\Loader\LoaderInterface;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\DependencyInjection\Reference;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\Kernel;
use Symfony\Component\Routing\Route;
use Symfony\Component\Routing\RouteCollection;

/**
 * An application with the bundle as its users set it up.
 */
final class TestKernel extends Kernel
{
    private string $folder;

    public function __construct()
    {
        parent::__construct('test', false);
        $this->folder = sys_get_temp_dir() . '/promshm-kernel-' . getmypid();
    }

    public function registerBundles(): iterable
    {
        return [new FrameworkBundle(), new PromshmBundle()];
    }

    public function getProjectDir(): string
    {
        return $this->folder;
    }

    public function getCacheDir(): string
    {
        return "$this->folder/cache";
    }

    public function getLogDir(): string
    {
        return "$this->folder/log";
    }

    public function registerContainerConfiguration(LoaderInterface $loader): void
    {
        $loader->load(function (ContainerBuilder $container): void {
            $container->loadFromExtension('framework', [
                'secret' => 'test',
                'test' => true,
                'http_method_override' => false,
                'router' => ['utf8' => true, 'resource' => 'kernel::routes', 'type' => 'service'],
                'messenger' => [
                    'transports' => ['async' => 'queue-in-sqlite://'],
                    'routing' => [Job::class => 'async'],
                    'buses' => ['messenger.bus.default' => ['middleware' => [MessengerMiddleware::class]]],
                ],
            ]);
            $container->loadFromExtension('promshm', ['http' => ['buckets' => [0.5, 30]], 'messenger' => ['sent_at' => true]]);
            $container->register('kernel', self::class)->setSynthetic(true)->setPublic(true)
                ->addTag('routing.route_loader')->addTag('controller.service_arguments');
            $container->register('logger', NullLogger::class);
            $container->register(QueueFactory::class)->addTag('messenger.transport_factory')
                ->setArguments([new Reference(DoctrineMiddleware::class)]);
            $container->register(JobHandler::class)->addTag('messenger.message_handler');
        });
    }

    public function routes(): RouteCollection
    {
        $routes = new RouteCollection();
        $routes->add('user_show', new Route('/users/{id}', ['_controller' => 'kernel::show']));
        $routes->add('fails', new Route('/fails', ['_controller' => 'kernel::fail']));
        return $routes;
    }

    public function show(): Response
    {
        return new Response('a user');
    }

    public function fail(): Response
    {
        throw new \RuntimeException('the controller failed');
    }
}
