"""Runs one variant of calls.php, and measures it: instructions, system calls, allocations, seconds."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
import harness

FLOOR = harness.EXTENSION.parent / "floor.so"
ATTACH = harness.EXTENSION.parent / "floor-attach"
# Redis is not in here: it needs a server, and a system call for each count anyway.
OURS = [
    "bound inc()",
    "inc(['GET', '200'])",
    "inc([$m, $s])",
    "labels($m, $s)->inc()",
    "bound incBy(1.5)",
    "Gauge::set(1.5), mode sum",
    "Gauge::set(1.5), mode last",
    "bound observe(0.3), 14 buckets",
    "bound NativeHistogram::observe(0.3)",
    "bound observe(0.3), 60 buckets",
    "observe(0.3, ['GET', '200'])",
    "bound Summary::observe(0.3)",
    "getOrRegisterCounter()->inc(['GET', '200'])",
    "bound inc(), exemplar",
    "inc(['queue' => 'mail', 'status' => 'ok'])",
    "inc(['method' => $m, 'status' => $s])",
    "inc(['GET', $status]), an int",
    "inc(['u' . ($i & 15), '200'])",
    "incBy(1.5, ['queue' => 'mail', 'status' => 'ok'])",
    "observe(0.3, ['queue' => 'mail', 'status' => 'ok'])",
    "startTimer(), observeDuration()",
    "time($f)",
    "new Counter('jobs_total', …)",
    "new Counter('jobs_total', …)->inc(['mail', 'ok'])",
    "new Histogram('job_seconds', …)->observe(0.3, ['mail'])",
]


def build_floor():
    """Compiles the C extension that ours is held against."""
    config = os.environ.get("PHP_CONFIG", "php-config")
    includes = subprocess.check_output([config, "--includes"], text=True).split()
    source = HERE / "floor" / "floor.c"
    subprocess.check_call(["cc", "-O2", "-shared", "-fPIC", *includes, str(source), "-o", str(FLOOR)])


def build_attach():
    """Compiles the C program that a process's first update is held against."""
    subprocess.check_call(["cc", "-O2", str(HERE / "floor" / "attach.c"), "-o", str(ATTACH)])


def command(variant, rounds, segment, *options):
    """The command that runs a variant in a PHP without any other configuration."""
    php = shutil.which(harness.PHP)
    settings = [f"extension={FLOOR}", f"extension={harness.EXTENSION}", f"promshm.segment={segment}", *options]
    flags = [word for setting in settings for word in ("-d", setting)]
    return [php, "-n", *flags, str(HERE / "calls.php"), variant, str(rounds)]


def instructions(variant, segment, *options, few=2_000, many=22_000):
    """Instructions of one call, the loop around it included: a difference, so that start-up does not count."""
    # The word about the start has to come last: the one before it begins with nothing collected.
    apart = [f"--toggle-collect={PERIODIC}", "--collect-atstart=yes"]
    few_cost, many_cost = (callgrind(command(variant, rounds, segment, *options), *apart) for rounds in (few, many))
    return round((many_cost - few_cost) / (many - few))


def periodic_instructions(segment, times=3):
    """Instructions of the periodic work of a process that counts seldom, the system's calls not included."""
    code = f"for ($i = 0; $i < {times}; $i++) {{ (new Promshm\\Counter('seldom_total'))->inc(); usleep(1_100_000); }}"
    words = [*command("", 0, segment)[:-3], "-r", code]
    return round(callgrind(words, f"--toggle-collect={PERIODIC}") / times)


# What is done once for many calls, a few times a second: how often that is within a run depends on how slow the machine is.
PERIODIC = "promshm::session::heartbeat::run"


def callgrind(words, *options):
    """Instructions of a whole process."""
    run = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *options, *words]
    done = subprocess.run(run, capture_output=True, text=True, timeout=600)
    # The last count is the process's own; one before it may be a child's.
    counts = re.findall(r"Collected : (\d+)", done.stderr)
    if done.returncode or not counts:
        raise RuntimeError(f"{words} failed:\n{done.stdout}{done.stderr}")
    return int(counts[-1])


def own_instructions(variant, segment, few=2_000, many=22_000):
    """Instructions of one call within the extension, without the engine's."""
    few_cost, many_cost = (_of_extensions(command(variant, rounds, segment)) for rounds in (few, many))
    return round((many_cost - few_cost) / (many - few))


def _of_extensions(words):
    with tempfile.TemporaryDirectory() as folder:
        profile = f"{folder}/profile"
        run = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", *words]
        subprocess.run(run, capture_output=True, check=True, timeout=600)
        show = ["callgrind_annotate", "--threshold=100", "--auto=no", profile]
        text = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    lines = (line.split() for line in text.splitlines() if line.endswith((f"[{harness.EXTENSION}]", f"[{FLOOR}]")))
    return sum(int(words[0].replace(",", "")) for words in lines)


def system_calls(variant, segment, rounds):
    """How many system calls the whole process makes."""
    run = ["strace", "-qq", *command(variant, rounds, segment)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return len(done.stderr.splitlines())


def allocations(variants, segment, rounds):
    """How many times a process that runs the variants allocates, PHP's own allocator out of the way."""
    run = ["valgrind", "--leak-check=no", *command("\n".join(variants), rounds, segment)]
    environment = dict(os.environ, USE_ZEND_ALLOC="0")
    done = subprocess.run(run, capture_output=True, text=True, timeout=600, env=environment)
    counts = re.findall(r"total heap usage: ([\d,]+) allocs", done.stderr)
    if done.returncode or not counts:
        raise RuntimeError(done.stderr)
    return int(counts[-1].replace(",", ""))


def seconds(variant, segment, rounds, *options):
    """CPU seconds of the loop."""
    done = subprocess.run(command(variant, rounds, segment, *options), capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{variant}: {done.stdout}{done.stderr}")
    return float(done.stdout)
