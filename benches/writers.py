"""Many processes on the same series: ours, a shared atomic, and APCu. Each on its own core at most."""

import os
import re
import subprocess

import calls
import harness

OURS = "promshm, bound inc()"
# One loop for each variant: rounds, then the worker's CPU seconds.
SCRIPTS = {
    "C: inc(), memory of its own": """
        $x = new Floor();
        $go(); for ($i = 0; $i < $n; $i++) { $x->inc(); } $done();""",
    OURS: """
        $x = (new Promshm\\Counter('c', '', ['a']))->labels('x'); $x->inc();
        $go(); for ($i = 0; $i < $n; $i++) { $x->inc(); } $done();""",
    "promshm, mode last (a shared atomic)": """
        $x = new Promshm\\Gauge('g'); $x->inc();
        $go(); for ($i = 0; $i < $n; $i++) { $x->inc(); } $done();""",
    "apcu_inc": """
        $go(); for ($i = 0; $i < $n; $i++) { apcu_inc('c'); } $done();""",
}

# The parent forks, so that APCu's memory is the same for all, and lets all start at once.
PARENT = """
[$processes, $n] = [(int) $argv[1], (int) $argv[2]];
$gate = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
for ($p = 0; $p < $processes; $p++) {
    if (pcntl_fork() === 0) {
        $go = function () use ($gate, &$start) { stream_socket_recvfrom($gate[1], 1); $start = getrusage(); };
        $done = function () use (&$start, $n) {
            $end = getrusage();
            $used = fn ($r) => $r['ru_utime.tv_sec'] + $r['ru_utime.tv_usec'] / 1e6 + $r['ru_stime.tv_sec'] + $r['ru_stime.tv_usec'] / 1e6;
            echo "ns=" . ($used($end) - $used($start)) / $n * 1e9 . "\\n";
        };
        %s
        exit;
    }
}
usleep(300000);
fwrite($gate[0], str_repeat('x', $processes));
while (pcntl_wait($status) > 0);
"""


def measure(segment, script, processes, rounds):
    """CPU nanoseconds of one call, over all processes."""
    options = [f"extension={harness.EXTENSION}", f"extension={calls.FLOOR}", "extension=apcu", "apc.enable_cli=1"]
    flags = [word for option in [*options, f"promshm.segment={segment}"] for word in ("-d", option)]
    code = PARENT % SCRIPTS[script]
    words = [harness.PHP, "-n", *flags, "-r", code, str(processes), str(rounds)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, env=os.environ)
    times = [float(time) for time in re.findall(r"ns=([\d.]+)", done.stdout)]
    if len(times) != processes:
        raise RuntimeError(f"{script}: {done.stdout}{done.stderr}")
    return sum(times) / len(times)
