--TEST--
The storage warning stays a warning where PHP converts warnings to exceptions
--DESCRIPTION--
SplFileObject converts all warnings to exceptions while it opens a stream, and a userspace stream may count.
--EXTENSIONS--
shmop
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}5e3
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\Counter;

shmop_write(shmop_open(segment_key(), 'n', 0666, 1 << 20), 'not promshm', 0);

class Stream
{
    public $context;

    public function stream_open(string $path, string $mode, int $options, ?string &$opened): bool
    {
        (new Counter('c_total'))->inc();
        echo "counted\n";
        if ($mode === 'r+') {
            trigger_error('its own', E_USER_WARNING);
        }
        return true;
    }

    public function url_stat(string $path, int $flags): array
    {
        return [];
    }

    public function stream_eof(): bool
    {
        return true;
    }

    public function stream_read(int $count): string
    {
        return '';
    }
}

stream_wrapper_register('counting', Stream::class);
attempt(fn () => new SplFileObject('counting://'));
echo "What others warn of becomes an exception still: ";
attempt(fn () => new SplFileObject('counting://', 'r+'));
var_dump(error_get_last() === null || !str_contains(error_get_last()['message'], 'its own'));
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECTF--
Warning: promshm: %s in %s on line %d
counted
nothing thrown
What others warn of becomes an exception still: counted
RuntimeException
bool(true)
