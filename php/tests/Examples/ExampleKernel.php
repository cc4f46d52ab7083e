<?php

declare(strict_types=1);

namespace Promshm\Tests\Examples;

use App\Metrics\Mail;
use App\Metrics\SendMailHandler;
use Promshm\Symfony\PromshmBundle;
use Psr\Log\NullLogger;
use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Component\Config\Loader\LoaderInterface;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\HttpKernel\Kernel;

/**
 * An application that has the example's configuration, and a queue in memory.
 */
final class ExampleKernel extends Kernel
{
    public function __construct()
    {
        parent::__construct('test', false);
    }

    public function registerBundles(): iterable
    {
        return [new FrameworkBundle(), new PromshmBundle()];
    }

    public function getProjectDir(): string
    {
        return sys_get_temp_dir() . '/promshm-example-' . getmypid();
    }

    public function getCacheDir(): string
    {
        return $this->getProjectDir() . '/cache';
    }

    public function getLogDir(): string
    {
        return $this->getProjectDir() . '/log';
    }

    public function registerContainerConfiguration(LoaderInterface $loader): void
    {
        $loader->load(__DIR__ . '/../../../examples/symfony/metrics.yaml');
        $loader->load(static function (ContainerBuilder $container): void {
            $container->loadFromExtension('framework', [
                'secret' => 'test',
                'test' => true,
                'http_method_override' => false,
                'messenger' => ['transports' => ['async' => 'in-memory://'], 'routing' => [Mail::class => 'async']],
            ]);
            $container->register('logger', NullLogger::class);
            $container->register(SendMailHandler::class)->setAutowired(true)->addTag('messenger.message_handler');
        });
    }
}
