<?php

declare(strict_types=1);

namespace Promshm\Tests\Frameworks;

use Monolog\Handler\TestHandler;
use Monolog\Logger;
use Nyholm\Psr7\Request;
use Nyholm\Psr7\Response;
use Nyholm\Psr7\ServerRequest;
use Promshm\Monolog\RecordCounter;
use Promshm\Psr\MetricsClient;
use Promshm\Psr\MetricsMiddleware;
use Promshm\Symfony\MetricsHttpClient;
use Promshm\Tests\MetricsTestCase;
use Psr\Http\Client\ClientInterface;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Server\RequestHandlerInterface;
use Symfony\Component\HttpClient\Exception\TransportException;
use Symfony\Component\HttpClient\MockHttpClient;
use Symfony\Component\HttpClient\Response\MockResponse;

require_once 'Nyholm/Psr7/autoload.php';
require_once 'Psr/Http/Client/autoload.php';
require_once 'Monolog/autoload.php';
require_once 'Symfony/Component/HttpClient/autoload.php';

/**
 * What is for any framework: PSR-15, PSR-18, Monolog; and Symfony's HTTP client.
 */
final class PsrTest extends MetricsTestCase
{
    public function testAPipelineOfPsr15IsTimedByRoute(): void
    {
        $route = static fn (ServerRequestInterface $request): ?string => $request->getAttribute('route');
        $middleware = new MetricsMiddleware($route, [30]);
        $handler = new class implements RequestHandlerInterface {
            public function handle(ServerRequestInterface $request): ResponseInterface
            {
                return $request->getUri()->getPath() === '/fails'
                    ? throw new \RuntimeException('the handler failed')
                    : new Response((int) $request->getUri()->getQuery());
            }
        };
        foreach (['/a/1?200', '/a/2?200', '/b?404', '/c?999'] as $path) {
            $middleware->process((new ServerRequest('GET', $path))->withAttribute('route', 'a'), $handler);
        }
        $middleware->process(new ServerRequest('brew', '/d?200'), $handler);
        $fail = static fn () => $middleware->process(new ServerRequest('POST', '/fails'), $handler);
        self::assertThrows(\RuntimeException::class, $fail, 'the handler failed');
        self::assertSame([
            'http_request_seconds_count{method="GET",route="a",status="200"} 2',
            'http_request_seconds_count{method="GET",route="a",status="404"} 1',
            'http_request_seconds_count{method="GET",route="a",status="other"} 1',
            'http_request_seconds_count{method="POST",route="none",status="exception"} 1',
            'http_request_seconds_count{method="other",route="none",status="200"} 1',
        ], self::lines('/^http_request_seconds_count/'));
    }

    public function testAClientOfPsr18IsTimedByItsName(): void
    {
        $inner = new class implements ClientInterface {
            public function sendRequest(RequestInterface $request): ResponseInterface
            {
                return $request->getUri()->getHost() === 'down'
                    ? throw new \RuntimeException('no route to it')
                    : new Response(503);
            }
        };
        $client = new MetricsClient($inner, 'payments');
        self::assertSame(503, $client->sendRequest(new Request('GET', 'http://up/1'))->getStatusCode());
        $client->sendRequest(new Request('GET', 'http://other/2'));
        $send = static fn () => $client->sendRequest(new Request('POST', 'http://down'));
        self::assertThrows(\RuntimeException::class, $send, 'no route');
        self::assertSame([
            'http_client_request_seconds_count{client="payments",method="GET",status="503"} 2',
            'http_client_request_seconds_count{client="payments",method="POST",status="exception"} 1',
        ], self::lines('/^http_client_request_seconds_count/'));
    }

    public function testSymfonysClientIsTimedUntilTheLastByte(): void
    {
        $answers = [new MockResponse(['a', 'b'], ['http_code' => 200]), new MockResponse('', ['error' => 'down'])];
        $client = new MetricsHttpClient(new MockHttpClient($answers), 'search');
        $response = $client->request('GET', 'http://search/1');
        self::assertSame([], self::lines('/^http_client/'));
        self::assertSame('ab', $response->getContent());
        $fail = static fn () => $client->request('GET', 'http://search/2')->getContent();
        self::assertThrows(TransportException::class, $fail, 'down');
        self::assertSame([
            'http_client_request_seconds_count{client="search",method="GET",status="200"} 1',
            'http_client_request_seconds_count{client="search",method="GET",status="exception"} 1',
        ], self::lines('/^http_client_request_seconds_count/'));
    }

    public function testRecordsOfALogAreCountedByLevel(): void
    {
        $logger = new Logger('app', [new TestHandler()], [new RecordCounter()]);
        $logger->error('user {id} failed', ['id' => 7]);
        $logger->error('user {id} failed', ['id' => 8]);
        $logger->info('fine');
        self::assertSame([
            'log_records_total{channel="app",level="error"} 2',
            'log_records_total{channel="app",level="info"} 1',
        ], self::lines('/^log_records_total/'));
    }

    /**
     * @return list<string>
     */
    private static function lines(string $pattern): array
    {
        return array_values(preg_grep($pattern, explode("\n", self::samples())) ?: []);
    }
}
