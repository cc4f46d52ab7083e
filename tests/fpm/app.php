<?php
// The application behind php-fpm: each request does one thing and answers with JSON.

use Promshm\{Counter, Gauge, GaugeMode, Histogram, Segment};

/** Keeps this child busy until the test says go. */
function hold(string $until): void
{
    for ($i = 0; $i < 18000 && !file_exists($until); $i++) {
        usleep(10000);
        clearstatcache();
    }
}

$requests = new Counter('requests_total', 'Requests served', ['action']);
$sizes = new Histogram('sizes', 'Sizes asked for', [], [1, 10]);
parse_str($_SERVER['QUERY_STRING'], $query);
$answer = ['pid' => getmypid()];
$requests->inc([$query['do']]);

switch ($query['do']) {
    case 'count':
        for ($times = $query['times'] ?? 1; $times > 0; $times--) {
            $sizes->observe((float) $query['size']);
        }
        break;
    case 'forms':
        // Each form often enough to be remembered, and not as often as the others.
        $forms = new Counter('forms_total', 'Calls by the form of their labels', ['form', 'code']);
        [$list, $keyed, $bound, $code] = ['list', 'keyed', 'bound', 200];
        for ($i = 0; $i < 20; $i++) {
            $forms->inc(['literal', '200']);
            $forms->incBy(2, ['code' => '200', 'form' => 'literal keys']);
            $forms->incBy(3, [$list, $code]);
            $forms->incBy(4, ['form' => $keyed, 'code' => $code]);
            $forms->labels($bound, $code)->incBy(5);
        }
        break;
    case 'hold':
        (new Gauge('busy', 'Children at work', [], GaugeMode::Sum))->inc();
        hold($query['until']);
        (new Gauge('busy', 'Children at work', [], GaugeMode::Sum))->dec();
        break;
    case 'collect':
        for ($i = 0; $i < $query['times']; $i++) {
            $circle = new stdClass();
            $circle->self = $circle;
            unset($circle);
            gc_collect_cycles();
        }
        $answer['runs'] = gc_status()['runs'];
        break;
    case 'define':
        (new Counter('deployed_total', 'Changes with a deploy', [$query['label']]))->inc(['x']);
        break;
    case 'fatal':
        no_such_function();
    case 'user-error':
        trigger_error('the end', E_USER_ERROR);
    case 'kill':
        (new Gauge('busy', 'Children at work', [], GaugeMode::Sum))->inc();
        posix_kill(getmypid(), 9);
    case 'render':
        $answer['page'] = Segment::render();
        break;
    case 'wipe':
        Segment::wipe();
        break;
    case 'status':
        $answer['status'] = Segment::status();
        break;
}
header('Content-Type: application/json');
echo json_encode($answer);
