"""Real PHP workers are killed at random instants, and many short-lived ones come and go.

Every update is reported before and after it is made, so each series' total has exact bounds.
PROMSHM_SOAK=1 kills more. Prints what it did.
"""

import collections
import json
import os
import random
import re
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
import harness
import pytest
from harness import EXPORTER, WATCHDOG

SOAK = os.environ.get("PROMSHM_SOAK", "0") != "0"
SEGMENTS = [f"sysv:{0x72000000 | os.getpid() & 0xFFFFFF:#x}", f"posix:/reliability-{os.getpid()}"]
# The one that is tried now.
SEGMENT = SEGMENTS[0]


def php(code):
    command = harness.php(SEGMENT, "-r", code)
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=WATCHDOG).stdout


def status():
    return json.loads(php("echo json_encode(Promshm\\Segment::status());"))


def series():
    """The page as a dictionary, and its histograms checked: _count is the +Inf bucket."""
    page = php("echo Promshm\\Segment::render();")
    found = {name: float(value) for name, value in re.findall(r"^([^# ]\S*) (\S+)$", page, re.M)}
    for name, value in found.items():
        if name.startswith("h_count"):
            inf = name.replace("h_count{", "h_bucket{").replace("}", ',le="+Inf"}')
            assert found[inf] == value, f"{name} is {value}, its +Inf bucket {found[inf]}"
    return found


def total(page, n):
    return page.get(f'c_total{{n="{n}"}}' if n < 5 else f'h_count{{n="{n}"}}', 0)


class Worker:
    """One PHP process. It reports into a file, so that it never waits for us and a kill loses no report."""

    def __init__(self, number, reports):
        self.reports = open(reports, "w+b")
        self.process = subprocess.Popen(
            harness.php(SEGMENT, os.path.join(HERE, "worker.php"), str(number), str(random.randrange(1 << 30))),
            stdout=self.reports,
        )

    def read(self):
        """How often each kind was begun and ended so far."""
        size = os.fstat(self.reports.fileno()).st_size
        text = os.pread(self.reports.fileno(), size, 0).decode()
        return collections.Counter(text[: text.rfind("\n") + 1].splitlines())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(WATCHDOG) == -signal.SIGKILL, "a worker ended by itself"
        reports = self.read()
        self.reports.close()
        return reports


def kill_storm(kills, crew=4):
    path = f"/tmp/promshm-reliability-{os.getpid()}"
    workers = [Worker(number, f"{path}-{number}") for number in range(crew)]
    dead, before, done, scrapes = collections.Counter(), {}, 0, 0
    try:
        while done < kills:
            time.sleep(random.random() * 0.05)
            number = random.randrange(crew)
            dead += workers[number].kill()
            workers[number] = Worker(number, f"{path}-{number}")
            done += 1
            if done % 5 == 0:
                least = sum((worker.read() for worker in workers), dead)
                page = series()
                most = sum((worker.read() for worker in workers), dead)
                check(page, least, most, before)
                before, scrapes = page, scrapes + 1
    finally:
        for worker in workers:
            dead += worker.kill()
            done += 1
        for number in range(crew):
            os.unlink(f"{path}-{number}")
    page, ends = series(), status()
    check(page, dead, dead, before)
    assert page.get("alive", 0) == 0, "nobody lives"
    starts, exits = ends["worker_starts"], ends["worker_exits"]
    assert dead["e s"] <= starts <= dead["b s"], f"{starts} starts, {dead['e s']} reported"
    assert exits["abrupt"] == starts and exits["clean"] == exits["fatal"] == 0, exits
    updates = sum(dead[f"e {n}"] for n in range(8))
    assert updates > kills and scrapes > 0, "nothing was counted"
    print(f"PHP kills: {done}, updates: {updates}, scrapes: {scrapes}, starts: {starts}")


def check(page, least, most, before):
    for n in range(8):
        low, high, found = least[f"e {n}"], most[f"b {n}"], total(page, n)
        assert low <= found <= high, f"series {n}: {low} <= {found} <= {high}"
        assert found >= total(before, n), f"series {n} went back to {found}"


def short_lives(count):
    code = "(new Promshm\\Counter('short_total', '', ['n']))->inc([(string) mt_rand(0, 9)]);"
    words = harness.php(SEGMENT, "-r", code)
    start = status()["worker_exits"]["clean"]
    for done in range(0, count, 8):
        batch = [subprocess.Popen(words) for _ in range(min(8, count - done))]
        assert all(process.wait(WATCHDOG) == 0 for process in batch)
        if done == 200:
            first = status()
    last, page = status(), series()
    counted = sum(value for name, value in page.items() if name.startswith("short_total"))
    assert counted == count, f"{counted} of {count}"
    assert last["worker_exits"]["clean"] - start == count, last["worker_exits"]
    assert last["used_bytes"] - first["used_bytes"] <= 8 * 8192, (first["used_bytes"], last["used_bytes"])
    print(f"PHP processes: {count}, used bytes: {first['used_bytes']} and at last {last['used_bytes']}")


def clock_goes_back():
    """An exporter whose wall clock is years off and runs backwards reads the same. The workers store
    two moments and compare none: forging those words is the business of the segment's own tests."""
    php("(new Promshm\\Counter('clock_total'))->incBy(5);")
    with tempfile.TemporaryDirectory() as folder:
        shim = os.path.join(folder, "clock.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, os.path.join(HERE, "clock.c")], check=True)
        steps = [0, 10**9, -(10**9), -(2 * 10**9), 10**8]
        for step in steps:
            environment = dict(os.environ, LD_PRELOAD=shim, CLOCK_STEP=str(step))
            for action, wanted in (("dump", "\nclock_total 5\n"), ("status", "Workers ")):
                words = [EXPORTER, action, "--segment", SEGMENT]
                done = subprocess.run(words, check=True, env=environment, capture_output=True, text=True, timeout=WATCHDOG)
                assert wanted in done.stdout, done.stdout
    print(f"clocks: {len(steps)}")


@pytest.fixture(scope="module", params=SEGMENTS, autouse=True)
def tried_segment(request):
    """Each kind of segment, kept from test to test: what one leaves must not disturb the next."""
    global SEGMENT
    random.seed(1)
    SEGMENT = request.param
    yield
    subprocess.run([EXPORTER, "rm", "--yes", "--segment", SEGMENT], check=False, capture_output=True)


def test_killed_workers_lose_nothing_that_they_reported():
    kill_storm(2000 if SOAK else 60)


def test_short_lived_processes_are_counted_and_leak_no_bytes():
    short_lives(100_000 if SOAK else 1_000)


def test_a_clock_that_goes_back_changes_nothing():
    clock_goes_back()
