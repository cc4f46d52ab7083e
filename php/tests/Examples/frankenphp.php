<?php

declare(strict_types=1);

// FrankenPHP's function, as its documentation has it: serves one request, and is false when the worker is to end.
// The requests are those in $paths; what is answered goes to $answers.

function frankenphp_handle_request(callable $callback): bool
{
    $_SERVER['REQUEST_URI'] = array_shift($GLOBALS['paths']);
    ob_start();
    $callback();
    $GLOBALS['answers'][] = (string) ob_get_clean();
    return $GLOBALS['paths'] !== [];
}
