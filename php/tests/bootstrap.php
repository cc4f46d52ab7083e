<?php

declare(strict_types=1);

// Loads classes as Composer would: the library's, the examples', and in PromPHP's and the bundle's names
// the interfaces that are written for these tests.

error_reporting(E_ALL);

spl_autoload_register(static function (string $class): void {
    $folders = [
        ['Promshm\\Tests\\', __DIR__],
        ['Promshm\\', __DIR__ . '/../src'],
        ['Prometheus\\', __DIR__ . '/Promphp/Prometheus'],
        ['Artprima\\', __DIR__ . '/Artprima'],
        ['Psr\\Http\\Server\\', __DIR__ . '/Psr15/Psr/Http/Server'],
        ['App\\Metrics\\', __DIR__ . '/../../examples/symfony'],
        ['App\\Metrics\\', __DIR__ . '/../../examples/laravel'],
    ];
    foreach ($folders as [$prefix, $folder]) {
        $file = $folder . '/' . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
            return;
        }
    }
});

// Symfony 6 asks Composer what is installed. Its answer is "nothing" where Debian's packages are used.
if (stream_resolve_include_path('Composer/InstalledVersions.php') !== false) {
    require_once 'Composer/InstalledVersions.php';
}

require __DIR__ . '/../src/bootstrap.php';
