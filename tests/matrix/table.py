#!/usr/bin/env python3
"""What the tests did on each PHP: the table at the end of `make test-matrix`, and "Which PHP" in docs/install.md.

  table.py                                 shows the table
  table.py runnable                        the cells that x86-64 can run, also by emulation, and what is run beside them
  table.py record CELL PASSED FAILED SKIPPED
  table.py missing CELL REASON             what the cell wants could not be had
  table.py write                           puts the table into the document
"""

import datetime
import itertools
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RUN = HERE / "last-run.json"
DOCUMENT = HERE.parent.parent / "docs/install.md"
BEGIN, END = "<!-- matrix: tests/matrix/table.py write -->\n", "<!-- matrix ends -->\n"

PHPS = ["8.2", "8.4", "8.5", "8.6"]
THREADS = ["nts", "zts"]
PLACES = [("glibc", "x86_64"), ("musl", "x86_64"), ("glibc", "arm64"), ("musl", "arm64")]
BESIDES = {
    "apache": "Apache's `mpm_event` with PHP 8.4, thread-safe: threads that count, a graceful restart, SIGKILL",
    "arm64": "on arm64: the segment, killed workers, the exporter",
    "frameworks-sid": "the Composer library with Debian sid's frameworks: Symfony 7.4, Laravel 13, DBAL 4, Monolog 3, PHPUnit 13, on PHP 8.4",
    "frameworks-trixie": "the Composer library with Debian trixie's: Symfony 6.4, Laravel 10, DBAL 4, Monolog 3, PHPUnit 11, on PHP 8.4",
    "static": "a static build: the extension linked into a program that has PHP 8.4 in it, thread-safe, and registers it at its start",
    "runtimes": "the agent of a node with containerd, asked for pods as a kubelet does, and with Docker; cgroups made by themselves and by systemd",
    "pie": "`pie install` of a release's archive with PIE's own code, whose checkout `PIE` must name; what it installs loads on Debian",
}
NOT_RUN = "not run yet: `make test-matrix` runs it"
REASONS = {
    ("zts", "glibc", "arm64"): "not run here: Debian has no thread-safe PHP for arm64; `.github/workflows/ci.yml` has a job for it, 8.2 to 8.5",
    ("nts", "musl", "arm64"): "not run here, for want of a PHP; `.github/workflows/release.yml` loads there what it builds",
}
REASONS["zts", "musl", "arm64"] = REASONS["nts", "musl", "arm64"]


def cells():
    return ["-".join([php, threads, libc, machine]) for php, threads, (libc, machine) in itertools.product(PHPS, THREADS, PLACES)]


def runnable():
    besides = [name for name in BESIDES if name != "pie" or os.environ.get("PIE")]
    return [*besides, *(cell for cell in cells() if tuple(cell.split("-")[1:]) not in REASONS)]


def done():
    return json.loads(RUN.read_text()) if RUN.exists() else {}


def record(cell, passed, failed, skipped):
    if cell not in [*BESIDES, *cells()]:
        raise SystemExit(f"table: there is no cell {cell}")
    keep(cell, {"passed": int(passed), "failed": int(failed), "skipped": int(skipped)})


def keep(cell, found):
    run = {**done(), cell: {**found, "on": datetime.date.today().isoformat(), "of": revision()}}
    RUN.write_text(json.dumps(dict(sorted(run.items())), indent=1) + "\n")


def revision():
    return subprocess.run(["git", "-C", HERE, "rev-parse", "--short=10", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def content(cell, run, notes):
    """A count, with what failed or was skipped, or a dash with the number of its reason."""
    if cell not in run or "missing" in run[cell]:
        place = tuple(cell.split("-")[1:])
        reason = run[cell]["missing"] if cell in run else REASONS.get(place, NOT_RUN)
        if reason not in notes:
            notes.append(reason)
        return f"– ({notes.index(reason) + 1})"
    return counts(run[cell])


def counts(found):
    more = [f"{found[what]} {what}" for what in ("failed", "skipped") if found[what]]
    return ", ".join([str(found["passed"]), *more])


def table(run):
    notes = []
    rows = [["PHP", "", *(f"{machine.replace('_', '-')}, {libc}" for libc, machine in PLACES)], ["---"] * 6]
    for php, threads in itertools.product(PHPS, THREADS):
        names = ["-".join([php, threads, libc, machine]) for libc, machine in PLACES]
        rows.append([php, threads.upper(), *(content(name, run, notes) for name in names)])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    dates = sorted(found["on"] for found in run.values())
    if dates:
        lines += ["", f"Tests that passed, run from {dates[0]} to {dates[-1]}; `tests/matrix/last-run.json` has the revisions, since they are kept. ZTS is thread-safe; on glibc with the engine's debug checks. arm64 is emulated, with pages of 16 KiB."]
    lines += ["", "PHP 8.3 is missing: no package of it is at hand where this runs. `.github/workflows/ci.yml` runs the tests on it."]
    lines += ["", *(f"- {what}: {counts(run[name]) if name in run else NOT_RUN}" for name, what in BESIDES.items())]
    lines += [""] + [f"{number}. {reason}" for number, reason in enumerate(notes, 1)]
    return "\n".join(lines) + "\n"


def filled(text, run):
    """The document with the table of that run."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table(run) + END + rest.split(END)[1]


def main(words):
    match words:
        case []:
            print(table(done()), end="")
        case ["runnable"]:
            print(*runnable(), sep="\n")
        case ["record", cell, passed, failed, skipped]:
            record(cell, passed, failed, skipped)
        case ["missing", cell, reason]:
            keep(cell, {"missing": reason})
        case ["write"]:
            DOCUMENT.write_text(filled(DOCUMENT.read_text(), done()))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
