<?php
// Connects to a port where nobody listens, in each way that mysqli and pgsql have.
$nobody = ['127.0.0.1', 'user', 'password', 'name', 1];
mysqli_report(MYSQLI_REPORT_OFF);
@mysqli_connect(...$nobody);
@mysqli_real_connect(mysqli_init(), ...$nobody);
@mysqli_init()->real_connect(...$nobody);
@pg_connect('host=127.0.0.1 port=1');
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
    new mysqli(...$nobody);
} catch (mysqli_sql_exception) {
}
