#!/usr/bin/env python3
"""Runs a command that must end in time: limited.py SECONDS COMMAND...

One that does not is a failure: it says what ran then, and ends with all its processes."""

import os
import signal
import subprocess
import sys

GRACE = 30
"""Seconds that processes have to end by themselves once they are told to."""

COLUMNS = "pid,etimes,stat,wchan:20,args"


def main():
    limit, command = float(sys.argv[1]), sys.argv[2:]
    # A shell's background jobs ignore these, and would hand that down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    process = subprocess.Popen(command, start_new_session=True)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        print(f"\nThis did not end within {limit:.0f} s: {' '.join(command)}. What ran then:", flush=True)
        subprocess.run(["ps", "--sid", str(process.pid), "-o", COLUMNS, "--forest", "--width", "160"])
        return 124  # as of timeout(1)
    finally:
        if process.poll() is None:
            end(process)


def end(process):
    """Tells the command's processes to end, and ends those that do not."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


sys.exit(main())
