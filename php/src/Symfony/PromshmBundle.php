<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Symfony\Component\DependencyInjection\Extension\ExtensionInterface;
use Symfony\Component\HttpKernel\Bundle\Bundle;

/**
 * Metrics of HTTP requests, Messenger, console commands, Doctrine's DBAL and the HTTP client, for Symfony 5.4 and
 * newer: see docs/frameworks.md.
 *
 * @api
 */
final class PromshmBundle extends Bundle
{
    public function getContainerExtension(): ExtensionInterface
    {
        return new PromshmExtension();
    }

    public function getPath(): string
    {
        return __DIR__;
    }
}
