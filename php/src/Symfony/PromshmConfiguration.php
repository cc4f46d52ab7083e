<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Symfony\Component\Config\Definition\Builder\TreeBuilder;
use Symfony\Component\Config\Definition\ConfigurationInterface;

/**
 * `promshm: { http: { enabled: true, buckets: [0.1, 1] }, … }`: what is measured, and a histogram's buckets. All parts
 * are on but the HTTP client's, whose answers become asynchronous objects of another class, and the stamps of messages,
 * whose class all receivers need.
 *
 * @internal
 */
final class PromshmConfiguration implements ConfigurationInterface
{
    public function getConfigTreeBuilder(): TreeBuilder
    {
        $builder = new TreeBuilder('promshm');
        $parts = $builder->getRootNode()->children();
        foreach (['http', 'messenger', 'console', 'doctrine', 'http_client'] as $name) {
            $part = $parts->arrayNode($name);
            $name === 'http_client' ? $part->canBeEnabled() : $part->canBeDisabled();
            $part->children()->arrayNode('buckets')->floatPrototype()->end()->end()->end();
            if ($name === 'messenger') {
                $part->children()->booleanNode('sent_at')->defaultFalse()->end()->end();
            }
        }
        return $builder;
    }
}
