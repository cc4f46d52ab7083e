<?php
// A shop's worker, for the picture of the functions' view: handlers, queries and calls of other services, which only sleep.

namespace App\Handler {
    final class SendMail
    {
        public function __invoke(object $mail): void
        {
            \App\wait(0.9);
            \App\Queries::run(3);
        }
    }

    final class ImportOrder
    {
        public function __invoke(object $order): void
        {
            \App\Queries::run(8);
            \App\Billing\Gateway::charge();
        }
    }
}

namespace App\Billing {
    final class Gateway
    {
        public static function charge(): void
        {
            \App\wait(6);
            if (mt_rand(0, 24) === 0) {
                throw new \RuntimeException('declined');
            }
        }
    }
}

namespace App {
    final class Queries
    {
        private static \PDO $database;

        public static function run(int $times): void
        {
            self::$database ??= new \PDO('sqlite::memory:');
            for ($time = 0; $time < $times; $time++) {
                self::$database->prepare('SELECT ?')->execute([$time]);
            }
        }
    }

    final class Order
    {
    }

    final class Mail
    {
    }

    /** Waits some milliseconds, more or less. */
    function wait(float $mean): void
    {
        usleep((int) (1000 * $mean * -log(1 - mt_rand() / (mt_getrandmax() + 1))));
    }

    function handle(callable $handler, object $message): void
    {
        try {
            $handler($message);
        } catch (\RuntimeException) {
        }
    }

    stream_set_blocking(STDIN, false);
    for ($turn = 0; !feof(STDIN); $turn++) {
        fread(STDIN, 1);
        if ($turn % 3) {
            handle(new Handler\SendMail(), new Mail());
        } else {
            handle(new Handler\ImportOrder(), new Order());
        }
        if ($turn === 3) {
            echo "counting\n";
        }
    }
}
