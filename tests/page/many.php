<?php
// Makes as many series as its argument says, and counts in some of them until its input ends.

use Promshm\{Counter, Histogram};

$series = (int) $argv[1];
$users = new Counter('user_requests_total', 'Requests by user.', ['user', 'method']);
$seconds = new Histogram('user_seconds', 'Time by user.', ['user'], [0.1, 1]);
for ($user = 0; $user < $series; $user++) {
    $users->inc([sprintf('user-%05d', intdiv($user, 2)), $user % 2 ? 'GET' : 'POST']);
}
$seconds->observe(0.2, ['user-00000']);
stream_set_blocking(STDIN, false);
echo "counting\n";
while (!feof(STDIN)) {
    fread(STDIN, 1);
    $users->inc(['user-00000', 'GET']);
    usleep(20000);
}
