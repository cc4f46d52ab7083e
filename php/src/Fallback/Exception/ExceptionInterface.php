<?php

declare(strict_types=1);

namespace Promshm\Fallback\Exception;

/**
 * Every exception of the library.
 */
interface ExceptionInterface extends \Throwable
{
}
