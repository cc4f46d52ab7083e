<?php

declare(strict_types=1);

// Without the extension, its class names stand for the ones of Promshm\Fallback, which count in the
// memory of this process: for laptops and unit tests. All at once, because `catch` and parameter types
// do not load a class that is missing.

namespace Promshm;

if (!extension_loaded('promshm') && !class_exists(Counter::class, false)) {
    foreach (Fallback\Names::ALL as $name) {
        class_alias("Promshm\\Fallback\\$name", "Promshm\\$name");
    }
    if (getenv('PROMSHM_FALLBACK') === 'off') {
        Fallback\Memory::disable();
    }
}
