<?php

declare(strict_types=1);

namespace Promshm\Psr;

/**
 * Labels of HTTP requests that nobody outside can make many of.
 *
 * @internal
 */
final class HttpLabels
{
    private const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

    /** A method of the standards, or `other`: a client may send any word. */
    public static function method(string $method): string
    {
        $method = strtoupper($method);
        return in_array($method, self::METHODS, true) ? $method : 'other';
    }

    /** A status of three digits, or `other`. */
    public static function status(int $status): string
    {
        return $status >= 100 && $status < 600 ? (string) $status : 'other';
    }
}
