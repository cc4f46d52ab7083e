<?php

declare(strict_types=1);

namespace Promshm\Fallback\Exception;

/**
 * A metric that a registry does not know.
 *
 * @api
 */
class MetricNotFoundException extends \RuntimeException implements ExceptionInterface
{
}
