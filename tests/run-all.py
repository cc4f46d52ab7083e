#!/usr/bin/env python3
"""Runs steps, each a target of the Makefile, and closes with their sum: run-all.py [-jN] STEP...

Up to N of them run beside each other (default: 1), begun in the order given; those joined by commas run one after the
other. One at a time shows what it says while it runs; of several, each shows it all when it is over, so that lines of
two steps do not mix.

A step says "N passed, N failed" in its last lines. One that says nothing, or skipped everything, ran nothing, and
counts as a failure, as does one that ends badly without a count, or does not get on.

  STEP_IDLE     seconds that a step may neither write nor compute (default: 10 minutes)
  STEP_SPIN     seconds that it may compute without writing (default: an hour)"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
LIMITS = [os.environ.get("STEP_IDLE", "600"), os.environ.get("STEP_SPIN", "3600")]
LAST_LINES = 15


class Step:
    """A step that runs, or has run. What it leaves running may hold its output open: so that goes into a file, not a
    pipe whose end one would wait for."""

    def __init__(self, name, log):
        self.name, self.log, self.shown = name, log, 0
        self.began = time.monotonic()
        command = [sys.executable, HERE / "limited.py", *LIMITS, os.environ.get("MAKE", "make"), "--no-print-directory", name]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def is_over(self):
        """Whether it has ended; if so, what became of it is known."""
        pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds, self.computed = time.monotonic() - self.began, used.ru_utime + used.ru_stime
        self.passed, self.failed, self.skipped = counts(self.log.read_text(errors="replace"))
        if not self.failed and (self.process.returncode != 0 or not self.passed):
            self.failed = 1
        return True

    def show(self):
        """Shows what it has said since the last time."""
        with self.log.open("rb") as log:
            log.seek(self.shown)
            self.shown += sys.stdout.buffer.write(log.read())
        sys.stdout.buffer.flush()

    def __str__(self):
        counts = f"{self.passed:5} passed {self.failed:5} failed {self.skipped:5} skipped"
        return f"{self.name:12} {counts} {self.seconds:6.0f} s {self.computed:6.0f} s of processor time"


def counts(text):
    """Passed, failed and skipped, as the last line of counts says."""
    lines = [line for line in text.splitlines() if re.search("[0-9]+ passed", line)]
    found = [re.search(f"([0-9]+) {what}", lines[-1]) if lines else None for what in ("passed", "failed", "skipped")]
    return [int(each.group(1)) if each else 0 for each in found]


def run(chains, beside, folder):
    """Runs the steps, and shows what they say."""
    waiting, running, over = [chain.split(",") for chain in chains], {}, []
    try:
        while waiting or running:
            while waiting and len(running) < beside:
                name, *after = waiting.pop(0)
                say(f"\n== {name}" if beside == 1 else f"\nBeginning with {name}")
                running[Step(name, folder / f"{len(over) + len(running)}.log")] = after
            time.sleep(0.2)
            for step in [step for step in running if step.is_over() or beside == 1]:
                if beside > 1:
                    say(f"\n== {step.name}")
                step.show()
                if step.process.returncode is not None:
                    over.append(step)
                    after = running.pop(step)
                    waiting = [after, *waiting] if after else waiting
    finally:
        for step in running:
            step.process.terminate()
        for step in running:
            step.process.wait()
    return over


def summarise(steps, seconds):
    """Says what became of the steps; whether all is well."""
    say("", *steps)
    for step in steps:
        if step.failed:
            lines = step.log.read_text(errors="replace").splitlines()
            say(f"\n== {step.name} failed. Its last lines:", *lines[-LAST_LINES:])
    passed, failed, skipped = (sum(getattr(step, what) for step in steps) for what in ("passed", "failed", "skipped"))
    say(f"\n{seconds:.0f} s, {sum(step.computed for step in steps):.0f} s of processor time")
    say(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return passed > 0 and failed == 0


def say(*lines):
    print(*lines, sep="\n", flush=True)


def interrupted(*_):
    sys.exit(130)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("-j", type=int, default=1, dest="beside")
    arguments.add_argument("steps", nargs="+")
    asked = arguments.parse_args()
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        steps = run(asked.steps, asked.beside, pathlib.Path(folder))
        return 0 if summarise(steps, time.monotonic() - began) else 1


if __name__ == "__main__":
    sys.exit(main())
