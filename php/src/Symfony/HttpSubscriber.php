<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\Histogram;
use Promshm\Psr\HttpLabels;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpKernel\Event\RequestEvent;
use Symfony\Component\HttpKernel\Event\ResponseEvent;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * Counts and times requests by the name of their route. One that has no route, as each unknown path, is `none`.
 *
 * @api
 */
final class HttpSubscriber implements EventSubscriberInterface
{
    private readonly Histogram $seconds;

    /** @var \WeakMap<Request, int> when each request began */
    private \WeakMap $starts;

    /**
     * @param list<int|float>|null $buckets
     */
    public function __construct(?array $buckets = null)
    {
        $labels = ['method', 'route', 'status'];
        $this->seconds = new Histogram('http_request_seconds', 'Time to answer a request.', $labels, $buckets);
        $this->starts = new \WeakMap();
    }

    /**
     * @return array<string, array{string, int}>
     */
    public static function getSubscribedEvents(): array
    {
        return [KernelEvents::REQUEST => ['onRequest', 4096], KernelEvents::RESPONSE => ['onResponse', -4096]];
    }

    public function onRequest(RequestEvent $event): void
    {
        if ($event->isMainRequest()) {
            $this->starts[$event->getRequest()] = hrtime(true);
        }
    }

    public function onResponse(ResponseEvent $event): void
    {
        $request = $event->getRequest();
        $start = $this->starts[$request] ?? null;
        if ($start === null) {
            return;
        }
        unset($this->starts[$request]);
        $route = $request->attributes->get('_route');
        $this->seconds->observe((hrtime(true) - $start) / 1e9, [
            HttpLabels::method($request->getRealMethod()),
            is_string($route) ? $route : 'none',
            HttpLabels::status($event->getResponse()->getStatusCode()),
        ]);
    }
}
