<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\Histogram;
use Promshm\Psr\HttpLabels;
use Symfony\Component\HttpClient\AsyncDecoratorTrait;
use Symfony\Component\HttpClient\Response\AsyncContext;
use Symfony\Component\HttpClient\Response\AsyncResponse;
use Symfony\Contracts\HttpClient\ChunkInterface;
use Symfony\Contracts\HttpClient\HttpClientInterface;

/**
 * Counts and times requests to other services, until the last byte of the answer. One without an answer has the status
 * `exception`. Responses stay as lazy as they are without it; one that is thrown away unread is not counted.
 *
 * `client` is a name for the service that is called. Host and path are no labels: programs make them of their data.
 *
 * @api
 */
final class MetricsHttpClient implements HttpClientInterface
{
    use AsyncDecoratorTrait;

    private readonly Histogram $seconds;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(
        HttpClientInterface $client,
        private readonly string $name = 'default',
        ?array $buckets = null
    ) {
        $this->client = $client;
        $labels = ['client', 'method', 'status'];
        $help = 'Time to get an answer from another service.';
        $this->seconds = new Histogram('http_client_request_seconds', $help, $labels, $buckets);
    }

    /**
     * @param array<string, mixed> $options
     */
    public function request(string $method, string $url, array $options = []): AsyncResponse
    {
        $start = hrtime(true);
        $passed = function (ChunkInterface $chunk, AsyncContext $context) use ($method, $start): \Generator {
            if ($chunk->getError() !== null) {
                $this->observe($method, 'exception', $start);
            } elseif ($chunk->isLast()) {
                $this->observe($method, HttpLabels::status($context->getStatusCode()), $start);
            }
            yield $chunk;
        };
        return new AsyncResponse($this->client, $method, $url, $options, $passed);
    }

    private function observe(string $method, string $status, int $start): void
    {
        $this->seconds->observe((hrtime(true) - $start) / 1e9, [$this->name, HttpLabels::method($method), $status]);
    }
}
