<?php

declare(strict_types=1);

namespace Promshm\Fallback\Exception;

/**
 * Nothing throws it: storage trouble never does. It is there for code that catches it.
 *
 * @api
 */
class StorageException extends \Exception implements ExceptionInterface
{
}
