#!/usr/bin/env python3
"""Runs a command and ends it if it makes no progress: limited.py IDLE SPIN COMMAND...

It is ended, with all its processes, once it has neither written nor computed anything for IDLE seconds, or has
computed for SPIN seconds without writing. Both are measured by what it does, not by the clock alone: on a busy
machine a command takes longer, but it still makes progress. An ended command is a failure, and its processes are printed."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

GRACE = 30
"""Seconds between SIGTERM and SIGKILL."""

LEAST = 0.05
"""The share of a core below which processes count as idle: servers without requests use less."""

COLUMNS = "pid,etimes,time,stat,wchan:20,args"
TICKS = os.sysconf("SC_CLK_TCK")


def processes():
    """The fields behind its name in each process's stat, by its number: state, parent, group, session …"""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
    return found


def family(pid):
    """A process and all below it, each with the CPU seconds that it and its ended children have used."""
    stats = processes()
    parents = {each: int(fields[1]) for each, fields in stats.items()}
    times = {each: sum(map(int, fields[11:15])) / TICKS for each, fields in stats.items()}
    found, grown = {pid}, True
    while grown:
        grown = {child for child, parent in parents.items() if parent in found} - found
        found |= grown
    return {each: times.get(each, 0) for each in found}


class Progress:
    """What a command has written and computed, and since when it did neither."""

    def __init__(self, pid, idle, spin):
        self.pid, self.idle, self.spin = pid, idle, spin
        self.written, self.seen, self.spent, self.spent_at_output = self.size(), 0, 0, 0
        self.restart()

    def size(self):
        """How much is in the output, where that is a file; else it is not known."""
        return os.fstat(sys.stdout.fileno()).st_size

    def restart(self):
        self.since, self.spent_then = time.monotonic(), self.spent

    def complaint(self):
        """Why it is to be ended, or nothing."""
        seen = sum(family(self.pid).values())
        # A process that leaves the family takes its seconds along.
        self.spent += max(0, seen - self.seen)
        self.seen = seen
        written = self.size()
        if written != self.written:
            self.written, self.spent_at_output = written, self.spent
            self.restart()
        if self.spent - self.spent_then > LEAST * self.idle:
            self.restart()
        if time.monotonic() - self.since > self.idle:
            return f"did nothing for {self.idle:.0f} s"
        if self.spent - self.spent_at_output > self.spin:
            return f"computed for {self.spin:.0f} s without a word"
        return None


def adopt():
    """Becomes the parent of those whose parent ends, so that what they computed is counted, and none gets away."""
    set_child_subreaper = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h
    if ctypes.CDLL(None, use_errno=True).prctl(set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def bury(process):
    """Takes leave of adopted processes that have ended."""
    with contextlib.suppress(ChildProcessError):
        while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if found.si_pid == process.pid and process.returncode is None:
                return  # its own wait() takes leave of it
            os.waitpid(found.si_pid, 0)


def main():
    idle, spin, command = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    # A shell's background jobs ignore these, and would hand that down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    adopt()
    process = subprocess.Popen(command, start_new_session=True)
    # At once, as init would: tests look whether a process is gone.
    signal.signal(signal.SIGCHLD, lambda *_: bury(process))
    try:
        progress = Progress(process.pid, idle, spin)
        while True:
            try:
                return process.wait(min(5, idle / 4))
            except subprocess.TimeoutExpired:
                pass
            if complaint := progress.complaint():
                print(f"\nThis {complaint}: {' '.join(command)}. What ran then:", flush=True)
                pids = ",".join(map(str, family(process.pid)))
                subprocess.run(["ps", "-p", pids, "-o", COLUMNS, "--forest", "--width", "160"])
                return 124  # as of timeout(1)
    finally:
        if process.poll() is None:
            end(process)
        bury(process)


def end(process):
    """Tells the command's processes to end, and ends those that do not, wherever they have gone."""
    started = family(process.pid)
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    for pid, kill in [(process.pid, os.killpg), *((pid, os.kill) for pid in started)]:
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


if __name__ == "__main__":
    sys.exit(main())
