<?php

declare(strict_types=1);

// Finds the library and its tests in the checkout that PROMPHP names.

spl_autoload_register(static function (string $class): void {
    $folders = [
        'Promshm\\Tests\\Promphp\\Differential\\' => __DIR__ . '/differential/',
        'Test\\Prometheus\\' => getenv('PROMPHP') . '/tests/Test/Prometheus/',
        'Prometheus\\' => getenv('PROMPHP') . '/src/Prometheus/',
        'Promshm\\' => __DIR__ . '/../../php/src/',
    ];
    foreach ($folders as $prefix => $folder) {
        $file = $folder . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
            return;
        }
    }
});

require __DIR__ . '/../../php/src/bootstrap.php';
