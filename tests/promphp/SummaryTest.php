<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp;

use Promshm\Storage\PromphpAdapter;
use Test\Prometheus\AbstractSummaryTest;

final class SummaryTest extends AbstractSummaryTest
{
    public function configureAdapter(): void
    {
        $this->adapter = new PromphpAdapter();
        $this->adapter->wipeStorage();
    }
}
