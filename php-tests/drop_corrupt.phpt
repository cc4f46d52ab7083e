--TEST--
A metric whose cells a corrupt segment leads astray is named in the log, and its updates are counted as dropped
--DESCRIPTION--
Something else that writes into /dev/shm must not crash a worker, and the one who looks at the log is to learn what to do. The directory of the
pages of cells leads to the page where a known number is; its entry is overwritten.
--INI--
promshm.segment=posix:/phpt-${PROMSHM_RUN}-corrupt
promshm.size=2M
log_errors=1
display_errors=1
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

const PAGE = 4096;
const FAR_AWAY = 1 << 40;

ini_set('error_log', $log = __DIR__ . '/drop_corrupt.tmp');
$jobs = new Counter('jobs_total', 'Jobs.', ['queue']);
$jobs->incBy(17.125, ['mail']);

$object = '/dev/shm/' . substr(ini_get('promshm.segment'), strlen('posix:/'));
$bytes = file_get_contents($object);
$page = intdiv(strpos($bytes, pack('e', 17.125)), PAGE);
$number = intdiv(strlen($bytes), PAGE) - $page;
$numbers = [pack('P', $number), pack('P', $number - 1)]; // they are counted from the end, where a page may be left over
$file = fopen($object, 'r+');
$overwritten = 0;
for ($offset = ($page - 8) * PAGE; $offset < min(($page + 8) * PAGE, strlen($bytes)); $offset += 8) {
    if (in_array(substr($bytes, $offset, 8), $numbers, true)) {
        fseek($file, $offset);
        fwrite($file, pack('P', FAR_AWAY));
        $overwritten++;
    }
}
fclose($file);
echo "$overwritten overwritten\n";

$jobs->inc(['sms']);
$jobs->inc(['sms']);
(new Counter('mails_total'))->inc();
echo preg_replace('/^\[.*?\] /m', '', file_get_contents($log)), json_encode(array_filter(Segment::status()['dropped'])), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/clean.inc';
@unlink(__DIR__ . '/drop_corrupt.tmp');
?>
--EXPECT--
1 overwritten
promshm: updates of jobs_total are dropped: the segment's bytes make no sense there: remove it (promshm-exporter rm) and restart the workers (logged once for each reason; promshm_dropped_total counts all)
{"corrupt":3}
