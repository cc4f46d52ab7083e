<?php

declare(strict_types=1);

namespace Promshm\Psr;

use Promshm\Histogram;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Server\MiddlewareInterface;
use Psr\Http\Server\RequestHandlerInterface;

/**
 * Counts and times requests in a pipeline of PSR-15. A request whose handling throws has the status `exception`.
 *
 * The name of the route comes from a function, which sees the request as it is after routing: let it run inside of
 * the router's middleware. Without one, all requests are of the route `none`: paths are no labels, as anybody can
 * ask for any.
 *
 * @api
 */
final class MetricsMiddleware implements MiddlewareInterface
{
    private readonly Histogram $seconds;

    /** @var \Closure(ServerRequestInterface): ?string */
    private readonly \Closure $route;

    /**
     * @param (callable(ServerRequestInterface): ?string)|null $route
     * @param list<int|float>|null $buckets
     */
    public function __construct(?callable $route = null, ?array $buckets = null)
    {
        $this->route = $route === null ? static fn (): ?string => null : $route(...);
        $labels = ['method', 'route', 'status'];
        $this->seconds = new Histogram('http_request_seconds', 'Time to answer a request.', $labels, $buckets);
    }

    public function process(ServerRequestInterface $request, RequestHandlerInterface $handler): ResponseInterface
    {
        $start = hrtime(true);
        $status = 'exception';
        try {
            $response = $handler->handle($request);
            $status = HttpLabels::status($response->getStatusCode());
            return $response;
        } finally {
            $route = ($this->route)($request) ?? 'none';
            $this->seconds->observe((hrtime(true) - $start) / 1e9, [HttpLabels::method($request->getMethod()), $route, $status]);
        }
    }
}
