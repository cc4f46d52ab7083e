<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\Gauge;
use Promshm\GaugeMode;
use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Input\InputArgument;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Input\InputOption;
use Symfony\Component\Console\Output\OutputInterface;
use Symfony\Component\Messenger\Exception\MessageDecodingFailedException;
use Symfony\Component\Messenger\Transport\Receiver\ListableReceiverInterface;
use Symfony\Component\Messenger\Transport\Receiver\MessageCountAwareInterface;
use Symfony\Contracts\Service\ServiceProviderInterface;

/**
 * `promshm:messenger:watch [TRANSPORT…]` sets `messenger_queue_messages` and `messenger_queue_oldest_seconds` every few
 * seconds, beside the workers: a queue is measured also where no worker runs. When the command ends, its gauges are gone,
 * so that no old number stays.
 *
 * @api
 */
final class WatchQueuesCommand extends Command
{
    /** Messages that are looked at for the oldest one: the first that a transport lists. */
    private const LISTED = 100;

    private readonly Gauge $messages;
    private readonly Gauge $oldest;

    /**
     * @param ServiceProviderInterface<mixed>|null $receivers
     */
    public function __construct(private readonly ?ServiceProviderInterface $receivers)
    {
        parent::__construct('promshm:messenger:watch');
        $help = 'Messages that wait in a transport.';
        $this->messages = new Gauge('messenger_queue_messages', $help, ['transport'], GaugeMode::Max);
        $help = 'How long the oldest message of a transport waits.';
        $this->oldest = new Gauge('messenger_queue_oldest_seconds', $help, ['transport'], GaugeMode::Max);
        $this->setDescription('Measures the queues, for alerts and autoscaling');
        $this->addArgument('transports', InputArgument::IS_ARRAY, 'Their names; all that can be counted if left out');
        $this->addOption('interval', null, InputOption::VALUE_REQUIRED, 'Seconds between two looks', '5');
        $this->addOption('looks', null, InputOption::VALUE_REQUIRED, 'End after so many looks; 0 for never', '0');
    }

    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        /** @var list<string> $named */
        $named = $input->getArgument('transports');
        $transports = $named === [] ? array_keys($this->receivers?->getProvidedServices() ?? []) : $named;
        [$interval, $looks] = [(float) $input->getOption('interval'), (int) $input->getOption('looks')];
        if ($interval <= 0) {
            $output->writeln('<error>--interval must be a number of seconds above 0</error>');
            return Command::INVALID;
        }
        for ($look = 1; true; $look++) {
            foreach ($transports as $transport) {
                $receiver = $this->receivers?->has($transport) === true ? $this->receivers->get($transport) : null;
                if ($receiver instanceof MessageCountAwareInterface) {
                    $messages = $receiver->getMessageCount();
                    $this->messages->set($messages, [$transport]);
                    $this->tellOldest($transport, $messages === 0 ? 0 : self::age($receiver));
                } elseif ($named !== []) {
                    $output->writeln("<error>The transport $transport is unknown, or cannot count its messages</error>");
                    return Command::FAILURE;
                }
            }
            if ($look === $looks) {
                return Command::SUCCESS;
            }
            usleep((int) ($interval * 1e6));
        }
    }

    /** An age that nobody knows is no number, and no old one either. */
    private function tellOldest(string $transport, ?float $age): void
    {
        $age === null ? $this->oldest->remove([$transport]) : $this->oldest->set($age, [$transport]);
    }

    /** The age of the oldest message that says when it was sent; null if the transport does not list them, or none does. */
    private static function age(object $receiver): ?float
    {
        $times = [];
        try {
            foreach ($receiver instanceof ListableReceiverInterface ? $receiver->all(self::LISTED) : [] as $envelope) {
                $sentAt = $envelope->last(SentAtStamp::class);
                $times[] = $sentAt instanceof SentAtStamp ? $sentAt->time : null;
            }
        } catch (MessageDecodingFailedException) {
            return null; // one of them is broken: their number is known still
        }
        $times = array_filter($times, is_float(...));
        return $times === [] ? null : max(0.0, microtime(true) - min($times));
    }
}
