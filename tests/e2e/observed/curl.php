<?php
// Requests to a server, by name, as a callback and several at once; and one to a server that is not there.
$handles = array_map(fn ($number) => curl_init("$argv[1]?$number"), range(1, 12));
foreach ($handles as $handle) {
    curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
}
foreach (array_slice($handles, 0, 5) as $handle) {
    curl_exec($handle);
}
array_map('curl_exec', array_slice($handles, 5, 4));
call_user_func_array(curl_exec(...), [$handles[9]]);
$several = curl_multi_init();
$calls = 0;
foreach (array_slice($handles, 10) as $handle) {
    curl_multi_add_handle($several, $handle);
}
do {
    $calls++;
    curl_multi_exec($several, $running);
    curl_multi_select($several);
} while ($running);
$missing = curl_init('http://127.0.0.1:1/');
curl_setopt($missing, CURLOPT_RETURNTRANSFER, true);
curl_exec($missing);
echo json_encode(['multi' => $calls]);
