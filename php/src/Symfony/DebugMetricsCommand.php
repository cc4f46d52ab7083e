<?php

declare(strict_types=1);

namespace Promshm\Symfony;

use Promshm\CollectorRegistry;
use Promshm\MetricFamilySamples;
use Promshm\Segment;
use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Input\InputArgument;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Output\OutputInterface;
use Symfony\Component\Console\Style\SymfonyStyle;

/**
 * `debug:metrics` lists what all processes have stored; `debug:metrics NAME` shows the samples of one metric.
 *
 * @api
 */
final class DebugMetricsCommand extends Command
{
    public function __construct()
    {
        parent::__construct('debug:metrics');
        $this->setDescription('Lists the metrics in shared memory, or the samples of one');
        $this->addArgument('name', InputArgument::OPTIONAL, 'The name of a metric');
    }

    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        $style = new SymfonyStyle($input, $output);
        $families = (new CollectorRegistry(null, false))->getMetricFamilySamples();
        $name = $input->getArgument('name');
        if (is_string($name)) {
            return $this->show($style, $name, $families);
        }
        $row = static fn (MetricFamilySamples $family): array => [
            $family->getName(),
            $family->getType(),
            implode(', ', $family->getLabelNames()),
            count($family->getSamples()),
            $family->getHelp(),
        ];
        $style->table(['Metric', 'Type', 'Labels', 'Samples', 'Help'], array_map($row, $families));
        $status = Segment::status();
        $style->writeln("Segment {$status['segment']}: {$status['series']} of {$status['max_series']} series");
        return Command::SUCCESS;
    }

    /**
     * @param list<MetricFamilySamples> $families
     */
    private function show(SymfonyStyle $style, string $name, array $families): int
    {
        foreach ($families as $family) {
            if ($family->getName() === $name) {
                foreach ($family->getSamples() as $sample) {
                    $names = [...$family->getLabelNames(), ...$sample->getLabelNames()];
                    $pair = static fn (string $label, mixed $value): string => "$label=" . json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
                    $labels = implode(', ', array_map($pair, $names, $sample->getLabelValues()));
                    $style->writeln($sample->getName() . ($labels === '' ? '' : " ($labels)") . ": {$sample->getValue()}");
                }
                return Command::SUCCESS;
            }
        }
        $style->error("There is no metric $name in the segment: has a process updated it yet?");
        return Command::FAILURE;
    }
}
