<?php

declare(strict_types=1);

namespace Promshm\Fallback\Exception;

/**
 * One name defined in two ways within one process, or registered twice.
 *
 * @api
 */
class MetricsRegistrationException extends \Exception implements ExceptionInterface
{
}
