<?php
// Calls observed functions until its input ends: quick and slow ones, some that throw, and one that is running all the time.

function quick(): void {}

function slow(): void
{
    usleep(15000);
}

function failing(int $turn): void
{
    if ($turn % 4 === 0) {
        throw new DomainException('one of four');
    }
}

final class Mailer
{
    public function send(string $queue): string
    {
        usleep(500);
        return $queue;
    }
}

function work(): void
{
    stream_set_blocking(STDIN, false);
    $mailer = new Mailer();
    for ($turn = 0; !feof(STDIN); $turn++) {
        fread(STDIN, 1);
        for ($call = 0; $call < 5; $call++) {
            quick();
        }
        slow();
        try {
            failing($turn);
        } catch (DomainException) {
        }
        $mailer->send(['news', 'orders'][$turn % 2]);
        md5('a text');
        if ($turn === 1) {
            echo "counting\n";
        }
    }
}

work();
