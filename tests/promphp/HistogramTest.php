<?php

declare(strict_types=1);

namespace Promshm\Tests\Promphp;

use Promshm\Storage\PromphpAdapter;
use Test\Prometheus\AbstractHistogramTest;

final class HistogramTest extends AbstractHistogramTest
{
    public function configureAdapter(): void
    {
        $this->adapter = new PromphpAdapter();
        $this->adapter->wipeStorage();
    }
}
