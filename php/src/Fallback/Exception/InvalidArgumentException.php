<?php

declare(strict_types=1);

namespace Promshm\Fallback\Exception;

/**
 * A name, label, bucket or value that is not allowed.
 *
 * @api
 */
class InvalidArgumentException extends \InvalidArgumentException implements ExceptionInterface
{
}
