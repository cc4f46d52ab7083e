<?php

declare(strict_types=1);

namespace Promshm\Fallback;

/**
 * How the values of several processes become one number. Here there is one process only.
 */
enum GaugeMode: string
{
    case Last = 'last';
    case Sum = 'sum';
    case Min = 'min';
    case Max = 'max';
    case All = 'all';
}
