<?php
// Functions that php.ini lists, and requests that end in every way while one of them runs.

namespace Observed;

function work(int $number): int
{
    return other($number) * 2;
}

function other(int $number): int
{
    return $number;
}

/** Does what the request is about. */
function act(array $query): void
{
    switch ($query['do']) {
        case 'warn':
            echo @$missing;
            break;
        case 'code':
            http_response_code((int) $query['code']);
            break;
        case 'memory':
            strlen(str_repeat('x', (int) $query['bytes']));
            break;
        case 'caught':
            try {
                throw new \DomainException('caught');
            } catch (\DomainException) {
            }
            break;
        case 'throw':
            throw new \DomainException('uncaught');
        case 'fatal':
            trigger_error('the end', E_USER_ERROR);
        case 'timeout':
            set_time_limit(1);
            for (;;) {
            }
        case 'exit':
            exit;
        case 'kill':
            posix_kill(getmypid(), 9);
        case 'reset':
            opcache_reset();
            break;
        case 'wipe':
            \Promshm\Segment::wipe();
            break;
        case 'finish':
            echo json_encode(['pid' => getmypid()]);
            fastcgi_finish_request();
            wait($query['until']);
            work(1);
            exit;
        case 'hold':
            wait($query['until']);
            break;
    }
}

/** Waits until the test says go. */
function wait(string $file): void
{
    for ($i = 0; $i < 18000 && !file_exists($file); $i++) {
        usleep(10000);
        clearstatcache();
    }
}

parse_str($_SERVER['QUERY_STRING'], $query);
for ($times = $query['times'] ?? 0; $times > 0; $times--) {
    work(1);
}
act($query);
echo json_encode(['pid' => getmypid(), 'fpm' => fpm_get_status(), 'opcache' => opcache_get_status(false)]);
