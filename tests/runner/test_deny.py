"""`make deny` with a recording cargo: when the stored result is reused, and when the tool runs again."""

import os
import shutil
import subprocess

import harness
import pytest

FILES = ("Cargo.lock", "deny.toml", "Cargo.toml", "segment/Cargo.toml")
# Provides cargo-deny once it is installed, which fails if the lock file says so.
CARGO = """#!/bin/sh
echo "$@" >>"$HERE/calls"
case "$1 $2" in
  "deny --version") test -f "$HERE/installed" ;;
  "install "*) touch "$HERE/installed" ;;
  "deny --log-level") case "$*" in *fetch*) exit 1 ;; esac; ! grep -q bad "$HERE/Cargo.lock" ;;
esac
"""


class Tree:
    def __init__(self, folder):
        self.folder = folder
        for file in ("scripts/deny.sh", "scripts/lib.sh"):
            (folder / file).parent.mkdir(exist_ok=True)
            shutil.copy(harness.ROOT / file, folder / file)
        for file in FILES:
            self.write(file, "sound")
        (folder / "bin").mkdir()
        (folder / "bin" / "cargo").write_text(CARGO)
        (folder / "bin" / "cargo").chmod(0o755)
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        subprocess.run(["git", "add", "."], cwd=folder, check=True)

    def write(self, file, text):
        (self.folder / file).parent.mkdir(exist_ok=True)
        (self.folder / file).write_text(text)

    def deny(self, **environment):
        """The exit code, the last line, and how often cargo-deny was installed and run."""
        (self.folder / "calls").unlink(missing_ok=True)
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        environment = {**os.environ, "CI": "", "PATH": path, "HERE": str(self.folder), **environment}
        done = subprocess.run(["scripts/deny.sh"], cwd=self.folder, env=environment, capture_output=True, text=True)
        calls = (self.folder / "calls").read_text()
        return done.returncode, done.stdout.splitlines()[-1], calls.count("install "), calls.count(" check ")

    def forget_the_tool(self):
        (self.folder / "installed").unlink()


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_tool_is_built_without_an_earlier_result(tree):
    assert tree.deny() == (0, "deny: 3 passed, 0 failed", 1, 3)


def test_earlier_result_is_reused_without_changes(tree):
    tree.deny()
    tree.forget_the_tool()
    assert tree.deny() == (0, "deny: 1 passed, 0 failed", 0, 0)


@pytest.mark.parametrize("file", FILES)
def test_any_change_runs_the_tool_again(tree, file):
    tree.deny()
    tree.forget_the_tool()
    tree.write(file, "changed")
    assert tree.deny() == (0, "deny: 3 passed, 0 failed", 1, 3)


def test_installed_tool_is_always_run(tree):
    tree.deny()
    assert tree.deny() == (0, "deny: 3 passed, 0 failed", 0, 3)


def test_fault_is_reported_and_not_stored(tree):
    tree.write("Cargo.lock", "bad")
    assert tree.deny() == (1, "deny: 0 passed, 3 failed", 1, 3)
    tree.forget_the_tool()
    assert tree.deny() == (1, "deny: 0 passed, 3 failed", 1, 3)


def test_ci_does_not_change_the_tree(tree):
    tree.deny(CI="true")
    assert not (tree.folder / "deny.checked").exists()
