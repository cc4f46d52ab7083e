"""Promshm beside other ways of counting, in one run: what a count costs, and what a page takes over its series.

`measure` gives the numbers that comparison.json keeps; charts.py draws them, and makes the table of docs/benchmarks.md.
"""

import datetime
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile

import calls
import harness

HERE = pathlib.Path(__file__).resolve().parent
MEASURED = HERE / "comparison.json"
SCRAPE = harness.EXTENSION.parent / "promshm-bench-scrape"
PROCESSES = 8
LONGEST = 15  # seconds of CPU time for filling a storage and making its page; what takes longer is left out, and told

APCU = ["extension=apcu", "apc.enable_cli=1", "apc.shm_size=1G"]
REDIS = ["extension=igbinary", "extension=redis"]
CTYPE = ["extension=ctype"]

# What counts in PHP: its name, the variant of calls.php, the settings it needs, and calls of one round.
OF_PHP = [
    ("promshm, bound", "bound inc()", [], 4_000_000),
    ("promshm", "inc([$m, $s])", [], 4_000_000),
    ("apcu_inc, key at hand", "apcu_inc", APCU, 2_000_000),
]
OF_PROMPHP = [
    ("PromPHP on promshm", "PromPHP on promshm", CTYPE, 300_000),
    ("PromPHP in memory", "PromPHP, in memory", CTYPE, 300_000),
    ("PromPHP on APCu (APCng)", "PromPHP on APCu (APCng)", CTYPE + APCU, 200_000),
    ("PromPHP on APCu", "PromPHP on APCu", CTYPE + APCU, 200_000),
    ("PromPHP on Redis", "PromPHP on Redis", CTYPE + REDIS, 4_000),
]
OF_OPENTELEMETRY = [("OpenTelemetry SDK for PHP", "OpenTelemetry SDK", CTYPE, 40_000)]

# Storages of PromPHP that several processes share, so that a scrape finds all counts.
SHARED = [(name, settings) for name, _, settings, _ in OF_PROMPHP if "APCu" in name or "Redis" in name]

COUNT_OF_PYTHON = """
import os, sys, time
os.environ['PROMETHEUS_MULTIPROC_DIR'] = sys.argv[1]
from prometheus_client import Counter
requests = Counter('requests', 'Requests.', ['method', 'status'])
method, status, rounds = 'GET', '200', range(int(sys.argv[2]))
requests.labels(method, status).inc()
start = time.process_time()
for _ in rounds:
    pass
loop = time.process_time() - start
start = time.process_time()
for _ in rounds:
    requests.labels(method, status).inc()
print(time.process_time() - start - loop)
"""

PAGE_OF_PYTHON = """
import os, sys, time
os.environ['PROMETHEUS_MULTIPROC_DIR'] = sys.argv[1]
from prometheus_client import CollectorRegistry, Counter, generate_latest, multiprocess
clock = getattr(time, sys.argv[2])
series, processes, pages = map(int, sys.argv[3:])
for process in range(processes):
    if os.fork() == 0:
        jobs = Counter('jobs', 'Jobs done.', ['queue', 'job', 'status'])
        for row in range(series):
            jobs.labels(f'queue-{row % 50}', f'App\\\\Jobs\\\\Handler{row:07}', 'succeeded').inc(row % 1000 + process)
        os._exit(0)
for process in range(processes):
    assert os.wait()[1] == 0
least = float('inf')
for _ in range(pages):
    start = clock()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    page = generate_latest(registry)
    least = min(least, (clock() - start) * 1e3)
assert page.count(b'\\njobs_total{') == series
print(f'ms={least}')
"""


class Progress:
    """Says on stderr how much is done: `[12/80] count: promshm`."""

    def __init__(self, steps):
        self.steps, self.done = steps, 0

    def step(self, *words):
        self.done += 1
        print(f"[{self.done}/{self.steps}]", *words, file=sys.stderr, flush=True)


class TakesTooLong(Exception):
    """The process has used up its CPU time."""


def output(words, longest=None):
    limit = (lambda: resource.setrlimit(resource.RLIMIT_CPU, (longest, longest))) if longest else None
    done = subprocess.run(words, capture_output=True, text=True, timeout=1800, preexec_fn=limit)
    if longest and done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise TakesTooLong
    if done.returncode:
        raise RuntimeError(f"{words} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def field(name, text):
    return float(re.search(rf"\b{name}=([\d.]+)", text).group(1))


def ways_of_php():
    """What counts in PHP here, and what does not because nothing names its source."""
    promphp, opentelemetry = os.environ.get("PROMPHP"), os.environ.get("OTEL_PHP")
    missing = [] if promphp else ["PromPHP: `PROMPHP` named no checkout of it"]
    missing += [] if opentelemetry else ["OpenTelemetry's SDK for PHP: `OTEL_PHP` named no checkout of it"]
    return OF_PHP + (OF_PROMPHP if promphp else []) + (OF_OPENTELEMETRY if opentelemetry else []), missing


def count_of_python(rounds):
    with tempfile.TemporaryDirectory() as folder:
        return float(output([sys.executable, "-c", COUNT_OF_PYTHON, folder, str(rounds)])) / rounds * 1e9


def counts(segment, rounds, share, progress):
    """CPU nanoseconds of a count, the ways interleaved: all rounds of each."""
    php, missing = ways_of_php()
    found = {}
    for _ in range(rounds):
        loop = calls.seconds("empty loop", segment, 4_000_000 // share) / (4_000_000 // share)
        for name, variant, settings, calls_of_round in php:
            progress.step("count:", name)
            number = calls_of_round // share
            spent = calls.seconds(variant, segment, number, *settings) / number
            found.setdefault(name, []).append((spent - loop) * 1e9)
        progress.step("count: Python, prometheus_client")
        found.setdefault("Python, prometheus_client, multiprocess", []).append(count_of_python(200_000 // share))
        progress.step("count: Rust, the prometheus crate")
        of_crate = output([SCRAPE, "count", str(4_000_000 // share)])
        found.setdefault("Rust, prometheus crate", []).append(field("labelled", of_crate))
        found.setdefault("Rust, prometheus crate, bound", []).append(field("bound", of_crate))
    return found, missing


def page_of_promphp(name, settings, series, pages):
    words = [harness.PHP, "-n", *(word for setting in settings for word in ("-d", setting))]
    return field("ms", output([*words, str(HERE / "page_of_promphp.php"), name, str(series), str(pages)], LONGEST))


def page_of_python(clock, series, processes, pages, longest=None):
    """Milliseconds of the quickest page of Python's multiprocess mode, by one of its clocks."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = map(str, (series, processes, pages))
        return field("ms", output([sys.executable, "-c", PAGE_OF_PYTHON, folder, clock, *numbers], longest))


def pages_of_ours(segment, series):
    words = [SCRAPE, str(series), str(PROCESSES), "counters", segment, "against", harness.EXPORTER]
    found = output(words)
    return {
        "promshm, a whole scrape": field("whole_plain_cpu", found),
        "promshm, a whole scrape with gzip": field("whole_gzip_cpu", found),
        "Rust, prometheus crate": field("prometheus_crate_cpu", found),
    }, dict(re.findall(r"\b(\w+)=([\d.]+)", found))


def pages(segment, sizes, progress):
    """Milliseconds of CPU time for a page by the way that makes it and its series; what takes too long, and the parts of ours."""
    found, left_out, parts = {}, [], {}

    def take(name, series, measure):
        progress.step("page:", name, f"{series:,} series")
        try:
            found.setdefault(name, {})[str(series)] = measure()
        except TakesTooLong:
            left_out.append(f"{name} with {series:,} series: filling and one page take more than {LONGEST} s of CPU time")

    for series in sizes:
        progress.step("page: promshm and the prometheus crate", f"{series:,} series")
        of_ours, parts[str(series)] = pages_of_ours(segment, series)
        for name, milliseconds in of_ours.items():
            found.setdefault(name, {})[str(series)] = milliseconds
        rounds = 3 if series == 1_000 else 1
        take("Python, prometheus_client, multiprocess", series, lambda: page_of_python("process_time", series, PROCESSES, rounds, LONGEST))
        for name, settings in SHARED if os.environ.get("PROMPHP") else []:
            take(name, series, lambda: page_of_promphp(name, settings, series, rounds))
    return found, left_out, parts


# What no run of this measures, and why.
NEVER = [
    "a page of OpenTelemetry's SDK for PHP: each process pushes its own numbers to a collector, and nothing adds them up to be scraped",
    "a page of PromPHP in memory: it has the counts of its own process alone",
    "the CPU time that a Redis server spends: only that of the process which counts or makes the page is told",
    "Prometheus itself: what it takes to parse and to store a page",
]


def measure(segment, machine, quick=False):
    """All of it, as comparison.json keeps it. Needs a Redis server, whose port BENCH_REDIS_PORT names."""
    rounds, share, sizes = (1, 20, [1_000]) if quick else (5, 1, [1_000, 10_000, 100_000])
    of_php, _ = ways_of_php()
    of_promphp = len(SHARED) if os.environ.get("PROMPHP") else 0
    progress = Progress(rounds * (len(of_php) + 2) + len(sizes) * (2 + of_promphp))
    load = os.getloadavg()[0]
    of_counts, missing = counts(segment, rounds, share, progress)
    of_pages, left_out, parts = pages(segment, sizes, progress)
    return {
        "date": str(datetime.date.today()),
        "machine": machine,
        "load": round(load, 1),
        "counts": {name: [round(each, 2) for each in times] for name, times in of_counts.items()},
        "pages": {name: {series: round(time, 3) for series, time in times.items()} for name, times in of_pages.items()},
        "parts": {series: {name: float(value) for name, value in of_size.items()} for series, of_size in parts.items()},
        "not_measured": missing + left_out + NEVER,
    }


def write(found):
    MEASURED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def read():
    return json.loads(MEASURED.read_text())
