<?php
// A stock Messenger worker with its queue in a database: nothing here counts for promshm. At its end it says what Doctrine has
// logged, as JSON: how many statements were executed.
require 'Symfony/Component/Messenger/autoload.php';
require 'Symfony/Component/Messenger/Bridge/Doctrine/autoload.php';
require 'Symfony/Component/EventDispatcher/autoload.php';
require 'Doctrine/DBAL/autoload.php';
require 'Psr/Log/autoload.php';

use Doctrine\DBAL\{Configuration, DriverManager};
use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Bridge\Doctrine\Transport\{Connection, DoctrineTransport};
use Symfony\Component\Messenger\{Envelope, MessageBus, Worker};
use Symfony\Component\Messenger\EventListener\StopWorkerOnMessageLimitListener;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Transport\Serialization\PhpSerializer;

final class Mail
{
    public function __construct(public readonly int $number)
    {
    }
}

final class Report
{
    public function __construct(public readonly int $number)
    {
    }
}

final class Executions extends Psr\Log\AbstractLogger
{
    public int $count = 0;

    public function log($level, $message, array $context = []): void
    {
        $this->count += (int) str_starts_with($message, 'Executing statement: {sql} (parameters');
    }
}

$executions = new Executions();
$configuration = new Configuration();
$configuration->setMiddlewares([new Doctrine\DBAL\Logging\Middleware($executions)]);
$database = DriverManager::getConnection(['driver' => 'pdo_sqlite', 'memory' => true], $configuration);
$database->executeStatement('create table mails (number)');
$bus = new MessageBus([new HandleMessageMiddleware(new HandlersLocator([
    Mail::class => [fn (Mail $mail) => $database->executeStatement('insert into mails values (?)', [$mail->number])],
    Report::class => [fn (Report $report) => $report->number % 3 ? true : throw new RuntimeException('no')],
]))]);
$transport = new DoctrineTransport(new Connection(['auto_setup' => true] + Connection::buildConfiguration('doctrine://default'), $database), new PhpSerializer());
for ($number = 0; $number < 20; $number++) {
    $transport->send(new Envelope(new Mail($number)));
}
for ($number = 0; $number < 9; $number++) {
    $transport->send(new Envelope(new Report($number)));
}
$events = new EventDispatcher();
$events->addSubscriber(new StopWorkerOnMessageLimitListener(29));
(new Worker(['async' => $transport], $bus, $events))->run(['sleep' => 1000]);
echo json_encode(['executions' => $executions->count]);
