#!/usr/bin/env python3
"""`make bench`: measures part by part, prints the tables, and keeps what it measured in measured.json.

After each part docs/benchmarks.md and what README.md says of costs are written anew, so nothing is left to do by hand.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

import calls
import charts
import comparison
import document
import harness
import requests_of_php
import starts
import writers

SEGMENT = "sysv:0x6265_6e63".replace("_", "")
SCRAPE = harness.EXTENSION.parent / "promshm-bench-scrape"
OTHERS = ["C: nothing()", "C: inc()", "C: incBy(1.5)", "C: incLabels(['GET', '200'])", "C: incLabels([$m, $s])"]
# Goals: instructions by those of the C method, and how many times cheaper than apcu_inc.
RATIOS = {"bound inc()": 1.15, "inc(['GET', '200'])": 2, "inc([$m, $s])": 1.5, "bound observe(0.3), 14 buckets": 1.6}
CHEAPER = {"bound inc()": 4, "inc(['GET', '200'])": 4, "inc([$m, $s])": 2, "bound observe(0.3), 14 buckets": 4}
PROMPHP = "PromPHP in memory"  # measured where PROMPHP names a checkout of it
# Variants that run fewer rounds, with their divisor.
SLOW = {"Redis as libraries do it": 200, PROMPHP: 10}
USERLAND = ["PHP method", "$a['k']++", "apcu_inc", "APCu as libraries do it", "Redis as libraries do it"]
# The PHP extension or service that a variant needs, by a word in its name.
NEEDS = {"apcu": ["extension=apcu", "apc.enable_cli=1"], "redis": ["extension=igbinary", "extension=redis"]}
MODES = {
    "no opcache": [],
    "opcache": ["zend_extension=opcache", "opcache.enable_cli=1", "opcache.jit=disable"],
    "JIT": ["zend_extension=opcache", "opcache.enable_cli=1", "opcache.jit=tracing", "opcache.jit_buffer_size=32M"],
}


def remove_segment():
    subprocess.run(["ipcrm", "-M", SEGMENT[5:], "-S", SEGMENT[5:]], capture_output=True)


# Rows of the table of goals, of the part that is being measured: what, limit, measured, whether it is met.
GOALS = []
# Milliseconds for merging and encoding, by series, slots and kind.
SCRAPED = {}


def goal(what, limit, measured, is_met, shown):
    GOALS.append([what, limit, shown.format(measured), "yes" if is_met else "**no**"])


def at_most(what, limit, measured, shown="{:.2f} x"):
    goal(what, "≤ " + shown.format(limit), measured, measured <= limit, shown)


def at_least(what, limit, measured, shown="{:.1f} x"):
    goal(what, "≥ " + shown.format(limit), measured, measured >= limit, shown)


def table(head, rows):
    return {"head": head, "rows": [list(map(str, row)) for row in rows]}


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def call_instructions():
    """Instructions of one call without the loop, and the ratio to the C method of the same shape."""
    limits = json.loads((harness.ROOT / "tests/call_cost/instructions.json").read_text())
    say("instructions: the loop and C methods")
    loop = calls.instructions("empty loop", SEGMENT)
    wanted = [*OTHERS, *sorted({limit["floor"] for limit in limits.values()} - set(OTHERS))]
    floors = {floor: calls.instructions(floor, SEGMENT) - loop for floor in wanted}
    rows = [[floor, price, calls.own_instructions(floor, SEGMENT), "", ""] for floor, price in floors.items()]
    for number, (variant, limit) in enumerate(limits.items(), 1):
        say(f"instructions: {number} of {len(limits)}: {variant}")
        price = calls.instructions(variant, SEGMENT) - loop
        ratio = price / floors[limit["floor"]]
        own = calls.own_instructions(variant, SEGMENT)
        rows.append([variant, price, own, f"{ratio:.2f} x `{limit['floor']}`", f"{limit['at most']} x"])
        if variant in RATIOS:
            at_most(f"`{variant}` in instructions, by `{limit['floor']}`", RATIOS[variant], ratio)
    rows = [[f"`{name}`", *rest] for name, *rest in rows]
    rows.append(["periodic work, at most four times a second", calls.periodic_instructions(SEGMENT), "", "", ""])
    return [table(["Call", "Instructions", "The method's own", "Ratio", "Limit"], rows)]


def call_seconds(rounds, repeats):
    """CPU nanoseconds of one call less the empty loop: interleaved, the least."""
    userland = [*USERLAND, PROMPHP] if os.environ.get("PROMPHP") else USERLAND
    names = [*OTHERS, *userland, *calls.OURS]
    found = {(name, mode): [] for name in ["empty loop", *names] for mode in MODES}
    for repeat in range(repeats):
        for number, ((name, mode), times) in enumerate(found.items(), 1):
            if number % 10 == 1:
                say(f"seconds: round {repeat + 1} of {repeats}, {number} of {len(found)}: {name}, {mode}")
            needs = [option for word, options in NEEDS.items() if word in name.lower() for option in options]
            fewer = rounds // SLOW.get(name, 1)
            times.append(calls.seconds(name, SEGMENT, fewer, *MODES[mode], *needs) / fewer)
    least = {key: min(times) * 1e9 for key, times in found.items()}
    price = {(name, mode): least[name, mode] - least["empty loop", mode] for name in names for mode in MODES}
    plain = {name: price[name, "no opcache"] for name in names}
    rows = [[f"`{name}`", *(f"{price[name, mode]:.1f}" for mode in MODES), f"{plain['apcu_inc'] / plain[name]:.1f} x"] for name in names]
    for name, limit in CHEAPER.items():
        at_least(f"`{name}` cheaper than `apcu_inc`", limit, plain["apcu_inc"] / plain[name])
    if PROMPHP in plain:
        at_least("`inc(['GET', '200'])` cheaper than PromPHP in memory", 25, plain[PROMPHP] / plain["inc(['GET', '200'])"])
    return [table(["Call, ns", *MODES, "cheaper than `apcu_inc`"], rows)]


class RedisServer:
    """A Redis server for this run, without persistence."""

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        os.environ["BENCH_REDIS_PORT"] = str(port)
        words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        harness.wait_until("Redis", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()


def whole_requests(repeats):
    """Requests that construct ten metrics and count, less those that do nothing."""
    with RedisServer():
        ways = requests_of_php.ways()
        for name, way, settings in ways:  # the first one makes the series, which the others find
            requests_of_php.run(requests_of_php.command(settings, SEGMENT, 1), way)
        times = {name: [] for name, _, _ in ways}
        for repeat in range(repeats):
            say(f"requests: round {repeat + 1} of {repeats}")
            for name, way, settings in ways:
                times[name].append(requests_of_php.microseconds(way, settings, SEGMENT))
        say("requests: instructions and system calls")
        found = {
            name: (requests_of_php.instructions(way, settings, SEGMENT), statistics.median(times[name]), requests_of_php.system_calls(way, settings, SEGMENT))
            for name, way, settings in ways
        }
    alone, ours = found["PHP alone"], found["promshm"]
    rows = []
    for name, (price, spent, system_calls) in found.items():
        more = price - alone[0]
        ratio = f"{more / (ours[0] - alone[0]):.1f} x" if more > 0 else ""
        rows.append([name, f"{price:,}", f"{more:,}", ratio, f"{spent:.0f}", f"{max(0, system_calls - alone[2]):.1f}"])
    at_most("system calls of a request that counts into ten known metrics", 0.1, ours[2] - alone[2], "{:.1f}")
    head = ["A request", "Instructions", "more than PHP alone", "by promshm's", "CPU, microseconds", "more system calls"]
    told = f"PromPHP on {versions()}, on a connection that is kept.\n" if os.environ.get("PROMPHP") else "PromPHP was not measured: `PROMPHP` named no checkout of it.\n"
    return [table(head, rows), told]


def versions():
    """Those of APCu and Redis."""
    apcu = subprocess.check_output([harness.PHP, "-n", "-d", "extension=apcu", "-r", "echo phpversion('apcu');"], text=True)
    redis = re.search(r"v=([\d.]+)", subprocess.check_output(["redis-server", "--version"], text=True))
    return f"APCu {apcu} and Redis {redis.group(1)}"


def beside_others(quick):
    """What counts and pages take by other libraries. Unless it is quick, it is kept, and the pictures are drawn anew."""
    with RedisServer():
        found = comparison.measure(SEGMENT, machine(), quick)
    if not quick:
        comparison.write(found)
        charts.write(found)
    return [charts.section(found)]


def many_writers(rounds):
    counts = [1, 2, 4, 8]
    rows = []
    found = {(script, count): [] for script in writers.SCRIPTS for count in counts}
    for repeat in range(5):
        say(f"writers: round {repeat + 1} of 5")
        for (script, count), times in found.items():
            times.append(writers.measure(SEGMENT, script, count, rounds))
    for script in writers.SCRIPTS:
        one, *more = (statistics.median(found[script, count]) for count in counts)
        if script == writers.OURS:
            at_most("a call with 2 processes on one series, by a call with one", 1.05, more[0] / one)
        rows.append([script, f"{one:.1f}", *(f"{time:.1f} ({time / one:.2f} x)" for time in more)])
    return [table(["CPU ns a call, processes:", *map(str, counts)], rows)]


def scrapes(sizes):
    rows = []
    for number, (series, slots, kind) in enumerate(sizes, 1):
        say(f"scrape {number} of {len(sizes)}: {series:,} {kind}, {slots} slots")
        against = [] if kind == "natives" else ["against"]
        found = measured_scrape(series, slots, kind, SEGMENT, *against, harness.EXPORTER)
        whole = found["merge"] + found["encode"]
        SCRAPED[series, slots, kind] = whole
        if (series, slots, kind) == (100_000, 8, "counters"):
            at_most("100,000 series in 8 processes by a client, gzip", 8, found["whole_gzip"], "{:.1f} ms")
            at_most("the same without gzip", 5, found["whole_plain"], "{:.1f} ms")
            at_most("100,000 series in 8 processes by copying ready lines", 1.5, whole / found["copy"])
            at_least("the same: faster than the prometheus crate", 6, found["prometheus_crate"] / whole)
            at_most("writing the same in protobuf, by writing it as text", 1, found["protobuf"] / found["encode"])
        if (series, slots, kind) == (10_000, 8, "natives"):
            at_most("10,000 native histograms in 8 processes: merging and writing protobuf", 10, found["merge"] + found["protobuf"], "{:.1f} ms")
        page = found["bytes"] / 2**20
        rows.append([
            f"{series:,} {kind}", slots, f"{page:.1f}", f"{found['first']:.1f}", f"{found['read']:.2f}", f"{found['merge']:.2f}",
            f"{found['encode']:.2f}", f"{found['protobuf']:.2f}", f"{found['copy']:.2f}", f"{found['compress']:.1f}", f"{found['write']:.2f}",
            f"{found['first_peak'] / 2**20:.1f}", f"{found['peak'] / 2**20:.1f}", f"{found['prometheus_crate'] / whole:.0f} x" if against else "",
            f"{found['whole_gzip']:.1f}", f"{found['whole_plain']:.1f}", f"{found['whole_held'] / 2**20:.1f}",
        ])
    one, many = (SCRAPED.get((100_000, slots, "counters")) for slots in (1, 64))
    if one and many:
        at_most("what 64 slots add to a scrape of 100,000 series in one", 1, many / one - 1)
    head = ["Series", "Slots", "Page MiB", "First ms", "Read ms", "Merge ms", "Encode ms", "Protobuf ms", "Copy ms", "gzip ms", "Write ms", "Peak MiB, first", "Peak MiB, later", "prometheus crate / ours", "Client ms, gzip", "Client ms, plain", "Held MiB"]
    return [table(head, rows)]


def measured_scrape(*words):
    """What promshm-bench-scrape prints, by name."""
    done = subprocess.run([SCRAPE, *map(str, words)], stdout=subprocess.PIPE, text=True, timeout=1800, check=True)
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", done.stdout)}


def of_whole(found, name, label, limit=""):
    way = f"whole_{name}"
    return [label, f"{found[way]:.1f}", f"{found[way + '_least']:.1f}", f"{found[way + '_cpu']:.1f}", limit]


def whole_scrapes(quick):
    """Whole scrapes by a client, beside what only writing the same bytes takes; and native histograms."""
    series, natives = (1_000, 100) if quick else (100_000, 10_000)
    say("whole scrapes")
    found = measured_scrape(series, 8, "counters", SEGMENT, harness.EXPORTER)
    say("native histograms")
    native = measured_scrape(natives, 8, "natives", SEGMENT, harness.EXPORTER)
    rows = [
        of_whole(found, "gzip", f"gzip, {found['whole_gzip_bytes']:,.0f} bytes", 8),
        of_whole(found, "plain", f"plain, {found['whole_plain_bytes']:,.0f} bytes", 5),
        of_whole(found, "bare", "a server that only writes as many ready bytes, by turns with it"),
        of_whole(found, "protobuf", "protobuf, gzip"),
        ["first scrape of a new exporter, its start included, the least of 5", "", f"{found['whole_first']:.1f}", f"{found['whole_first_cpu']:.1f}", 40],
    ]
    parts = [
        ["adding up the cells", f"{native['merge']:.1f}", f"{native['merge_least']:.1f}", ""],
        ["writing protobuf", f"{native['protobuf']:.1f}", f"{native['protobuf_least']:.1f}", ""],
        ["both", f"{native['merge'] + native['protobuf']:.1f}", f"{native['merge_least'] + native['protobuf_least']:.1f}", 10],
        ["only reading what is used of as many pages", f"{native['read']:.1f}", "", ""],
    ]
    held = f"The exporter then holds {found['whole_held'] / 2**20:.1f} MiB of its own (`RssAnon`) after scrapes with gzip and without; 5 MiB and 2.5 pages are {5 + 2.5 * found['bytes'] / 2**20:.1f}."
    heap = f"Reader and encoder hold {found['peak'] / 2**20:.1f} MiB of heap in later scrapes, and {found['first_peak'] / 2**20:.1f} MiB at most in the first one.\n"
    return [
        table([f"{series:,} counters, 8 processes", "Client ms, median", "Client ms, least", "CPU ms", "Goal, ms"], rows),
        table([f"{natives:,} native histograms, 8 processes", "Median ms", "Least ms", "Goal, ms"], parts),
        f"{held}\n{heap}",
    ]


def python_multiprocess(series, processes):
    """One scrape of Python's own multiprocess mode over the same numbers."""
    say(f"Python's multiprocess mode: {series:,} series, {processes} processes")
    return comparison.page_of_python("monotonic", series, processes, 1)


STARTUP = """
$t = hrtime(true); $c = new Promshm\\Counter('c', '', ['a']); $c->inc(['x']); $attach = hrtime(true) - $t;
$n = 5000; $t = hrtime(true); for ($i = 0; $i < $n; $i++) { $c->inc(["y$i"]); } $series = (hrtime(true) - $t) / $n;
echo "attach=", $attach / 1e3, " series=", $series / 1e3, "\\n";
"""


# A process that counts once, and the same without the extension.
COUNTING = "the same, each counting once"
SHORT = {
    "Short processes a minute, two at a time: PHP alone": ([], "$a = 1;"),
    COUNTING: (["extension"], "(new Promshm\\Counter('short'))->inc();"),
}


def short_processes(words, code, count=400):
    """Processes per minute on this machine, on all cores."""
    loop = f"for i in $(seq {count // 2}); do " + shlex.join([*words, "-r", code]) + "; done"
    start = time.monotonic()
    for process in [subprocess.Popen(["sh", "-c", loop]) for _ in range(2)]:
        process.wait()
    return count / (time.monotonic() - start) * 60


def start_up():
    php = [shutil.which(harness.PHP), "-n"]
    settings = ["promshm.max_series=200000", "promshm.max_series_per_metric=100%", "promshm.size=1G", f"promshm.segment={SEGMENT}", f"extension={harness.EXTENSION}"]
    ours = [*php, *(word for setting in settings for word in ("-d", setting))]
    plain, loaded = [], []
    say("start-up: loading")
    for _ in range(100):
        for times, words in ((plain, php), (loaded, ours)):
            start = time.monotonic()
            subprocess.run([*words, "-r", ""], check=True)
            times.append((time.monotonic() - start) * 1e3)
    remove_segment()
    subprocess.run([*ours, "-r", STARTUP], check=True, capture_output=True)  # creates the segment
    say("start-up: first updates")
    calls.build_attach()
    attach_floor = [str(calls.ATTACH), "0x62656e64"]
    subprocess.run(attach_floor, check=True, capture_output=True)  # creates its segment
    found, floors = [], []
    for run in range(20):
        least = subprocess.run(attach_floor, check=True, capture_output=True, text=True)
        floors.append([float(value) for value in re.findall(r"=([\d.]+)", least.stdout)])
        done = subprocess.run([*ours, "-r", STARTUP.replace("y$i", f"z{run}-$i")], check=True, capture_output=True, text=True)
        found.append([float(value) for value in re.findall(r"=([\d.]+)", done.stdout)])
    attach, series = (statistics.median(column) for column in zip(*found))
    subprocess.run(["ipcrm", "-M", attach_floor[1], "-S", attach_floor[1]], capture_output=True)
    mapped, claimed, touched, least = (statistics.median(column) for column in zip(*floors))
    loading = statistics.median(loaded) - statistics.median(plain)
    rows = [
        ["Loading the extension, ms", f"{loading:.2f}"],
        ["First update of a process: attach, claim, register, microseconds", f"{attach:.0f}"],
        ["the same by a C program that only makes the calls and touches the pages, microseconds", f"{least:.0f}"],
        ["of these: mapping the segment, claiming a slot, 13 pages", f"{mapped:.0f}, {claimed:.0f}, {touched:.0f}"],
        ["A new series, microseconds", f"{series:.2f}"],
    ]
    at_most("loading the extension", 1, loading, "{:.2f} ms")
    at_most("a process's first update", 200, attach, "{:.0f} microseconds")
    at_most("a new series", 2, series, "{:.2f} microseconds")
    say("start-up: short processes")
    rates = {name: short_processes(ours if needs else php, code) for name, (needs, code) in SHORT.items()}
    rows += [[name, f"{rate:,.0f}"] for name, rate in rates.items()]
    at_least("short processes a minute", 10_000, rates[COUNTING], "{:,.0f}")
    remove_segment()
    say("start-up: instructions, page faults and system calls")
    head = ["Of a process", "Instructions", "Page faults", "System calls"]
    counted = [[name, *(f"{figure:,.0f}" for figure in figures)] for name, *figures in starts.measure(SEGMENT)]
    return [table(["Start-up", "Measured"], rows), table(head, counted)]


@contextlib.contextmanager
def running(words, **options):
    """A background process, which is ended with the measurement, also after an error."""
    with subprocess.Popen(words, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def exporter():
    """The exporter on a free port; gives the address of its page."""
    words = [harness.EXPORTER, "--segment", SEGMENT, "--web.listen-address=127.0.0.1:0"]
    with running(words, stderr=subprocess.PIPE) as server:
        found = (re.search(r"address=(\S+)", line) for line in server.stderr)
        yield f"http://{next(filter(None, found)).group(1)}/metrics"


# A worker that counts in a loop, and prints time and duration after each million calls.
WORKER = """
$x = (new Promshm\\Counter('c', '', ['a']))->labels('x');
for (;;) {
    $before = getrusage(); $begin = hrtime(true);
    for ($i = 0; $i < 1_000_000; $i++) { $x->inc(); }
    $after = getrusage();
    $spent = $after['ru_utime.tv_sec'] - $before['ru_utime.tv_sec'] + ($after['ru_utime.tv_usec'] - $before['ru_utime.tv_usec']) / 1e6;
    echo $begin, ' ', hrtime(true), ' ', $spent * 1e3, "\\n";
}
"""


def interference(seconds):
    """A worker's calls, with ten scrapes a second and without: a second each in turn, so that other load on the
    machine affects both alike."""
    say(f"a worker beside scrapes, {seconds} seconds")
    words = [harness.PHP, "-n", "-d", f"extension={harness.EXTENSION}", "-d", f"promshm.segment={SEGMENT}", "-r", WORKER]
    times = {False: [], True: []}
    with exporter() as page, running(words, stdout=subprocess.PIPE) as worker:
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(worker.stdout))
        reader.start()
        windows = []
        for scraped in (False, True) * (seconds // 2):
            start = time.monotonic_ns()
            while time.monotonic_ns() < start + 10**9:
                time.sleep(0.1)
                if scraped:
                    urllib.request.urlopen(page, timeout=10).read()
            windows.append((start, time.monotonic_ns(), scraped))
        worker.terminate()
        reader.join()
    for begin, end, spent in map(str.split, lines[:-1]):  # the last may be cut short
        for start, stop, scraped in windows:
            if start <= int(begin) and int(end) <= stop:
                times[scraped].append(float(spent))
    alone, beside = (statistics.mean(times[scraped]) for scraped in (False, True))
    at_most("what 10 scrapes a second take from a worker", 2, (beside / alone - 1) * 100, "{:.1f} %")
    return [f"A worker alone: {alone:.2f} ns a call; with 10 scrapes a second beside it: {beside:.2f} ns ({(beside / alone - 1) * 100:+.1f} %).\n"]


def attacks():
    """Ordinary scrapes while the open port is attacked: by the attacks' own test, which reports them."""
    say("attacks: some minutes")
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report"
        words = [sys.executable, "-m", "pytest", "tests/attacks"]
        environment = {**os.environ, "PROMSHM_ATTACKS_REPORT": str(report)}
        subprocess.run(words, stdout=sys.stderr, check=True, timeout=1800, env=environment, cwd=harness.ROOT)
        found = [json.loads(line) for line in report.read_text().splitlines()]
    rows = [
        [each["attack"], each["scrapes"], f"{each['median']:.1f}", f"{each['longest']:.1f}", f"{each['memory']:.1f}"]
        for each in sorted(found, key=lambda each: each["longest"])
    ]
    at_most("the longest scrape under attack", 100, max(each["longest"] for each in found), "{:.0f} ms")
    at_most("the exporter's memory under attack", 16, max(each["memory"] for each in found), "{:.1f} MiB")
    return [table(["Attack", "Scrapes", "Median ms", "Longest ms", "Peak MiB"], rows)]


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    php = subprocess.check_output([harness.PHP, "-n", "-r", "echo PHP_VERSION;"], text=True)
    rust = subprocess.check_output(["rustc", "--version"], text=True).strip()
    return f"{os.cpu_count()} cores, {cpu.group(1) if cpu else platform.machine()}, Linux {platform.release()}, PHP {php}, {rust}"


def sizes(quick):
    """Series, slots and kind of each scrape that is measured; none with more than 30 million cells."""
    if quick:
        return [(1_000, 1, "counters"), (1_000, 8, "counters")]
    found = [(size, slots, kind) for kind in ("counters", "histograms") for size in (1_000, 10_000, 100_000) for slots in (1, 8, 64)]
    found += [(10_000, 8, "natives"), (10_000, 256, "counters"), (1_000_000, 1, "counters"), (1_000_000, 8, "counters")]
    return [size for size in found if size[0] * size[1] * (16 if size[2] == "histograms" else 1) <= 30_000_000]


# What the program measures of a generation, by its word for it.
GENERATION = {
    "begin": "Beginning it: the census, and what is not carried is marked",
    "carry_and_make_records": "The first process carries its slot, and makes the records",
    "carry": "Each further process carries its slot, the median",
    "give_back": "The old half is given back",
    "longest_call": "The longest call",
    "all_calls": "All calls of all processes",
    "scrape": "A scrape before",
    "scrape_first_in_both": "The first scrape that finds the new records",
    "scrape_in_both": "A scrape while half of the slots are carried",
    "scrape_first_after": "The first scrape afterwards",
}


def generations(quick):
    series, slots = (1_000, 8) if quick else (10_000, 64)
    say(f"generations: {series:,} series, {slots} slots")
    found = measured_scrape("generations", series, slots, SEGMENT)
    at_most("the longest call of a generation", 20, found["longest_call"], "{:.1f} ms")
    at_most("a scrape while slots are in both halves, by one before", 2, found["scrape_in_both"] / found["scrape"])
    rows = [[what, f"{found[name]:.1f}"] for name, what in GENERATION.items()]
    return [table([f"{series:,} counters, {slots} slots", "CPU ms"], rows)]


def against_python(quick):
    series = 2_000 if quick else 100_000
    took = python_multiprocess(series, 8)
    ours = SCRAPED.get((series, 8, "counters")) or document.read()["scrapes"]["figures"].get(f"{series} 8 counters")
    if ours:
        at_least(f"{series:,} series in 8 processes: faster than Python's multiprocess mode", 100, took / ours, "{:,.0f} x")
    return [f"Python's multiprocess mode, 8 processes, {series:,} counters with 3 labels: {took:,.0f} ms a scrape.\n"]


def timed_calls(quick):
    with RedisServer():
        return call_seconds(*((100_000, 1) if quick else (4_000_000, 5)))


# The parts, by the mark of their place in NOTES.md.
PARTS = {
    "comparison": beside_others,
    "instructions": lambda quick: call_instructions(),
    "calls": timed_calls,
    "requests": lambda quick: whole_requests(1 if quick else 5),
    "writers": lambda quick: many_writers(500_000 if quick else 10_000_000),
    "scrapes": lambda quick: scrapes(sizes(quick)),
    "wholes": whole_scrapes,
    "generations": generations,
    "python": against_python,
    "interference": lambda quick: interference(10 if quick else 60),
    "startup": lambda quick: start_up(),
    "attacks": lambda quick: attacks(),
}


def measure(name, quick):
    """Measures a part, prints it, and keeps it unless it was quick."""
    remove_segment()  # each part starts without a segment
    GOALS.clear()
    load = round(os.getloadavg()[0], 1)
    pieces = PARTS[name](quick)
    print(f"\n{document.markdown(pieces)}", flush=True)
    if not quick:
        if name in document.PARTS:  # the comparison has kept itself
            measured = f"{datetime.date.today()}: {machine()}"
            figures = {" ".join(map(str, key)): value for key, value in SCRAPED.items()} if name == "scrapes" else {}
            document.keep(name, {"measured": measured, "load": load, "goals": list(GOALS), "pieces": pieces, "figures": figures})
        document.write()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes; nothing is kept or written")
    options.add_argument("--only", nargs="+", choices=PARTS, help="these parts alone; the others stay as they were measured")
    chosen = options.parse_args()
    calls.build_floor()
    names, failed, start = chosen.only or list(PARTS), [], time.monotonic()
    for number, name in enumerate(names, 1):
        say(f"== part {number} of {len(names)}: {name}, after {(time.monotonic() - start) / 60:.0f} minutes ==")
        try:
            measure(name, chosen.quick)
        except Exception:  # the other parts are measured nevertheless
            traceback.print_exc()
            failed.append(name)
    remove_segment()
    say(f"== done in {(time.monotonic() - start) / 60:.0f} minutes ==")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}. To repeat these parts alone: make bench PARTS='{' '.join(failed)}'")


if __name__ == "__main__":
    main()
