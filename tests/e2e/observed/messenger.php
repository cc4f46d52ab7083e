<?php
// A stock Messenger worker: nothing here counts anything.
require 'Symfony/Component/Messenger/autoload.php';
require 'Symfony/Component/EventDispatcher/autoload.php';

use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\{Envelope, MessageBus, Worker};
use Symfony\Component\Messenger\EventListener\StopWorkerOnMessageLimitListener;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Transport\InMemoryTransport;

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

$pdo = new PDO('sqlite::memory:');
$pdo->exec('create table mails (number)');
$bus = new MessageBus([new HandleMessageMiddleware(new HandlersLocator([
    Mail::class => [fn (Mail $mail) => $pdo->prepare('insert into mails values (?)')->execute([$mail->number])],
    Report::class => [fn (Report $report) => $report->number % 3 ? true : throw new RuntimeException('no')],
]))]);
$transport = new InMemoryTransport();
for ($number = 0; $number < 20; $number++) {
    $transport->send(new Envelope(new Mail($number)));
}
for ($number = 0; $number < 9; $number++) {
    $transport->send(new Envelope(new Report($number)));
}
$events = new EventDispatcher();
$events->addSubscriber(new StopWorkerOnMessageLimitListener(29));
(new Worker(['async' => $transport], $bus, $events))->run(['sleep' => 1000]);
