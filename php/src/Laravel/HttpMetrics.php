<?php

declare(strict_types=1);

namespace Promshm\Laravel;

use Illuminate\Http\Request;
use Illuminate\Routing\Route;
use Promshm\Histogram;
use Promshm\Psr\HttpLabels;
use Symfony\Component\HttpFoundation\Response;

/**
 * A global middleware that counts and times requests by the name of their route, or by its pattern (`users/{id}`) where
 * it has no name. A request without a route, as each unknown path, is `none`.
 *
 * @api
 */
final class HttpMetrics
{
    private readonly Histogram $seconds;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(?array $buckets = null)
    {
        $labels = ['method', 'route', 'status'];
        $this->seconds = new Histogram('http_request_seconds', 'Time to answer a request.', $labels, $buckets);
    }

    public function handle(Request $request, \Closure $next): mixed
    {
        $start = hrtime(true);
        $status = 'exception';
        try {
            $response = $next($request);
            $status = $response instanceof Response ? HttpLabels::status($response->getStatusCode()) : 'other';
            return $response;
        } finally {
            $method = HttpLabels::method($request->getRealMethod());
            $this->seconds->observe((hrtime(true) - $start) / 1e9, [$method, self::route($request), $status]);
        }
    }

    private static function route(Request $request): string
    {
        $route = $request->route();
        return $route instanceof Route ? $route->getName() ?? $route->uri() : 'none';
    }
}
