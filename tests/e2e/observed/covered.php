<?php
function halves(int $number): int
{
    if ($number % 2) {
        throw new DomainException(
            "$number is odd"
        );
    }
    return $number / 2;
}

function steps(): Generator
{
    yield halves(2);
    yield halves(4);
}

function unused(): void
{
    halves(6);
}

$sum = array_sum(iterator_to_array(steps()));
try {
    halves(3);
} catch (DomainException $exception) {
    return [$sum, $exception->getLine(), $exception->getTraceAsString()];
}
