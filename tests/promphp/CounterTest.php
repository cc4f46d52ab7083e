<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp;

use Promshm\Storage\PromphpAdapter;
use Test\Prometheus\AbstractCounterTest;

final class CounterTest extends AbstractCounterTest
{
    public function configureAdapter(): void
    {
        $this->adapter = new PromphpAdapter();
        $this->adapter->wipeStorage();
    }
}
