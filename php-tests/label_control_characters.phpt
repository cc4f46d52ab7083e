--TEST--
Control characters in label values and help texts are kept, and refused in names
--DESCRIPTION--
Clients choose label values, so no character is an error. Prometheus reads each of them in both formats, but a NUL byte in an exemplar, which costs the exemplar alone.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}20e
promshm.runtime_metrics=0
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{CollectorRegistry, Counter, Segment};

$characters = [...array_map(chr(...), range(0, 31)), "\x7f", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{FFFF}"];
$c = new Counter('c_total', 'Help ' . implode($characters), ['value']);
foreach ($characters as $character) {
    $c->inc(["a{$character}b"]);
    $c->labels("a{$character}b")->inc();
}
$escape = fn (string $text) => strtr($text, ['\\' => '\\\\', "\n" => '\\n']);
$page = Segment::render();
echo str_contains($page, '# HELP c_total Help ' . $escape(implode($characters)) . "\n") ? "help kept\n" : "help lost\n";
foreach ($characters as $character) {
    $line = 'c_total{value="a' . $escape($character) . "b\"} 2\n";
    echo str_contains($page, $line) ? '' : 'lost: ' . bin2hex($character) . "\n";
}
foreach ($characters as $character) {
    foreach ([fn () => new Counter("a{$character}"), fn () => new Counter('n', '', ["a{$character}"]),
        fn () => new CollectorRegistry(null, false, ["a{$character}" => 1])] as $call) {
        try {
            $call();
            echo 'accepted: ', bin2hex($character), "\n";
        } catch (Promshm\Exception\InvalidArgumentException) {
        }
    }
}
echo count($characters), " characters\n";
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
help kept
37 characters
