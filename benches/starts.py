"""What the start of a short process costs, counted: the extension loaded, and its first update, by PHP without it."""

import os
import shutil
import statistics
import subprocess

import calls
import harness

COUNTER = "$counter = new Promshm\\Counter('started_total', '', ['by']);"
# What is measured: whether the extension is loaded, and the script.
WAYS = {"PHP alone": (False, ""), "loaded": (True, ""), "constructed": (True, COUNTER), "updated": (True, COUNTER + " $counter->inc(['x']);")}
# Each row is a way less another one.
ROWS = [
    ("PHP alone", "PHP alone", None),
    ("Loading the extension", "loaded", "PHP alone"),
    ("The first update of a process", "updated", "constructed"),
]


def command(way, segment):
    """Each way has the same setting, so that they differ by the extension alone."""
    is_loaded, code = WAYS[way]
    settings = [f"promshm.segment={segment}", *([f"extension={harness.EXTENSION}"] if is_loaded else [])]
    return [shutil.which(harness.PHP), "-n", *(word for setting in settings for word in ("-d", setting)), "-r", code]


def _page_faults(words):
    process = subprocess.Popen(words)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{words} failed: {process.returncode}")
    return usage.ru_minflt


def _system_calls(words):
    done = subprocess.run(["strace", "-qq", *words], capture_output=True, text=True, check=True, timeout=60)
    return len(done.stderr.splitlines())


def measure(segment, runs=20):
    """Rows of instructions, page faults (the median of some runs) and system calls."""
    _page_faults(command("updated", segment))  # creates the segment and the series

    def figures(way):
        words = command(way, segment)
        return calls.callgrind(words), statistics.median(_page_faults(words) for _ in range(runs)), _system_calls(words)

    by_way = {way: figures(way) for way in WAYS}
    nothing = (0, 0, 0)
    return [(name, *(a - b for a, b in zip(by_way[way], by_way.get(less, nothing)))) for name, way, less in ROWS]
