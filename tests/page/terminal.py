"""A terminal of known size for programs that draw on one: tmux, with a server of its own."""

import os
import re
import subprocess

import harness


class Terminal:
    def __init__(self, test, width=80, height=24):
        self.socket = test.folder / "tmux"
        self.environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PS1": "$ "}
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), "env PS1='$ ' sh")
        test.addCleanup(self.tmux, "kill-server")
        self.await_text(r"^\$")

    def tmux(self, *words):
        command = ["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *words]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=harness.WATCHDOG)
        assert done.returncode == 0, f"tmux {words}: {done.stderr}"
        return done.stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def run(self, line):
        """Types a line into the shell."""
        self.tmux("send-keys", "-l", line)
        self.keys("Enter")

    def text(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def lines(self):
        return self.text().splitlines()

    def await_text(self, pattern):
        try:
            harness.wait_until(f"{pattern!r} on the screen", lambda: re.search(pattern, self.text()))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()}") from None

    def resize(self, width, height):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def shell(self):
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))
