<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

use Doctrine\DBAL\Configuration;
use Doctrine\DBAL\DriverManager;
use Promshm\Symfony\DoctrineMiddleware;
use Symfony\Component\Messenger\Bridge\Doctrine\Transport\Connection;
use Symfony\Component\Messenger\Bridge\Doctrine\Transport\DoctrineTransport;
use Symfony\Component\Messenger\Transport\Serialization\SerializerInterface;
use Symfony\Component\Messenger\Transport\TransportFactoryInterface;
use Symfony\Component\Messenger\Transport\TransportInterface;

/**
 * Makes Symfony's own queue in a database, which is in memory here and whose queries are timed.
 */
final class QueueFactory implements TransportFactoryInterface
{
    public function __construct(private readonly DoctrineMiddleware $middleware)
    {
    }

    /**
     * @param array<mixed> $options
     */
    public function createTransport(string $dsn, array $options, SerializerInterface $serializer): TransportInterface
    {
        $configuration = (new Configuration())->setMiddlewares([$this->middleware]);
        $database = DriverManager::getConnection(['driver' => 'pdo_sqlite', 'memory' => true], $configuration);
        $settings = Connection::buildConfiguration('doctrine://default', ['table_name' => 'messages', 'auto_setup' => true]);
        return new DoctrineTransport(new Connection($settings, $database), $serializer);
    }

    /**
     * @param array<mixed> $options
     */
    public function supports(string $dsn, array $options): bool
    {
        return $dsn === 'queue-in-sqlite://';
    }
}
