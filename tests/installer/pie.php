<?php
// PIE's own code from a checkout, with Debian's packages in place of the libraries that it comes with, and a server of
// the test's in place of the forge that has the releases.
declare(strict_types=1);

namespace Fidry\CpuCoreCounter {
    // Not in Debian. PIE asks it how many jobs make may run.
    class CpuCoreCounter
    {
        public int $availableCpus = 2;

        public function getAvailableForParallelisation(): self
        {
            return $this;
        }
    }
}

namespace Php\Pie {
    use Symfony\Component\Console\Application;
    use Symfony\Component\Console\CommandLoader\ContainerCommandLoader;
    use Symfony\Component\Console\Input\InputInterface;
    use Symfony\Component\Console\Output\OutputInterface;
    use Symfony\Component\EventDispatcher\EventDispatcher;

    error_reporting(E_ALL & ~E_DEPRECATED);
    foreach (['Composer', 'Illuminate/Container', 'Symfony/Component/Console', 'Symfony/Component/EventDispatcher', 'Symfony/Component/Process', 'Webmozart/Assert', 'Psr/Container'] as $library) {
        require_once "/usr/share/php/$library/autoload.php";
    }
    spl_autoload_register(static function (string $class): void {
        $file = getenv('PIE') . '/src/' . strtr(substr($class, strlen('Php\\Pie\\')), '\\', '/') . '.php';
        if (str_starts_with($class, 'Php\\Pie\\') && is_file($file)) {
            require $file;
        }
    });

    $container = Container::factory();
    $container->when(Downloading\GithubPackageReleaseAssets::class)->needs('$githubApiBaseUrl')->give(getenv('PIE_RELEASES'));
    $application = new Application('PIE', 'of a checkout');
    $application->setDispatcher($container->get(EventDispatcher::class));
    $application->setCommandLoader(new ContainerCommandLoader($container, [
        'install' => Command\InstallCommand::class,
        'repository:add' => Command\RepositoryAddCommand::class,
    ]));
    $application->run($container->get(InputInterface::class), $container->get(OutputInterface::class));
}
