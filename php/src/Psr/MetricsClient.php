<?php

declare(strict_types=1);

namespace Promshm\Psr;

use Promshm\Histogram;
use Psr\Http\Client\ClientInterface;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;

/**
 * Counts and times what a client of PSR-18 sends. A request without an answer has the status `exception`.
 *
 * `client` is a name for the service that is called. Host and path are no labels: programs make them of their data.
 *
 * @api
 */
final class MetricsClient implements ClientInterface
{
    private readonly Histogram $seconds;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(
        private readonly ClientInterface $inner,
        private readonly string $client,
        ?array $buckets = null
    ) {
        $labels = ['client', 'method', 'status'];
        $help = 'Time to get an answer from another service.';
        $this->seconds = new Histogram('http_client_request_seconds', $help, $labels, $buckets);
    }

    public function sendRequest(RequestInterface $request): ResponseInterface
    {
        $start = hrtime(true);
        $status = 'exception';
        try {
            $response = $this->inner->sendRequest($request);
            $status = HttpLabels::status($response->getStatusCode());
            return $response;
        } finally {
            $labels = [$this->client, HttpLabels::method($request->getMethod()), $status];
            $this->seconds->observe((hrtime(true) - $start) / 1e9, $labels);
        }
    }
}
