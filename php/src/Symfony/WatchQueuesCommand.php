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
use Symfony\Component\Messenger\Transport\Receiver\MessageCountAwareInterface;
use Symfony\Contracts\Service\ServiceProviderInterface;

/**
 * `promshm:messenger:watch [TRANSPORT…]` sets `messenger_queue_messages` every few seconds, beside the workers: a queue
 * is measured also where no worker runs. When the command ends, its gauges are gone, so that no old number stays.
 *
 * @api
 */
final class WatchQueuesCommand extends Command
{
    private readonly Gauge $messages;

    /**
     * @param ServiceProviderInterface<mixed>|null $receivers
     */
    public function __construct(private readonly ?ServiceProviderInterface $receivers)
    {
        parent::__construct('promshm:messenger:watch');
        $help = 'Messages that wait in a transport.';
        $this->messages = new Gauge('messenger_queue_messages', $help, ['transport'], GaugeMode::Max);
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
                    $this->messages->set($receiver->getMessageCount(), [$transport]);
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
}
