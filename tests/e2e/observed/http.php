<?php
// Calls of a server, of one that is not there, and of files, which are no calls of HTTP.
for ($call = 0; $call < 3; $call++) {
    file_get_contents($argv[1]);
}
@file_get_contents('http://127.0.0.1:1/');
file_get_contents(__FILE__);
