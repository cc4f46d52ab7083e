"""The last line and the exit code of every step that runs pytest: over suites that pass, fail, skip and are empty."""

import os
import shutil
import subprocess
import sys

import harness

PASSING = "def test_it_passes():\n    pass\n"
OUTCOMES = {
    "a test that passes": (PASSING, 0, "1 passed, 0 failed, 0 skipped"),
    "no test": ("", 1, "0 passed, 1 failed, 0 skipped"),
    "a test that fails": (PASSING + "def test_it_fails():\n    assert 1 == 2\n", 1, "1 passed, 1 failed, 0 skipped"),
    "a module that cannot be imported": ("import no_such_module\n", 1, "0 passed, 1 failed, 0 skipped"),
    "a fixture that does not exist": ("def test_it_has_none(no_such):\n    pass\n", 1, "0 passed, 1 failed, 0 skipped"),
    "a skip that nobody expects": (
        PASSING + "import pytest\ndef test_it_skips():\n    pytest.skip('why')\n", 1, "1 passed, 1 failed, 0 skipped",
    ),
    "a skip that is expected": (
        PASSING + "import pytest\ndef test_may_skip():\n    pytest.skip('why')\n", 0, "1 passed, 0 failed, 1 skipped",
    ),
    "expected skips alone": ("import pytest\ndef test_may_skip():\n    pytest.skip('why')\n", 1, "0 passed, 1 failed, 1 skipped"),
    "a subtest that fails": (
        "import unittest\nclass It(unittest.TestCase):\n    def test_it(self):\n        for n in 1, 2:\n"
        "            with self.subTest(n=n):\n                self.assertEqual(n, 1)\n", 1, "0 passed, 1 failed, 0 skipped",
    ),
    "a cleanup that fails": (
        "import unittest\nclass It(unittest.TestCase):\n    def test_it(self):\n        self.addCleanup(lambda: 1 / 0)\n",
        1, "0 passed, 1 failed, 0 skipped",
    ),
}


class PytestRunsTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        (self.folder / "tests" / "suite").mkdir(parents=True)
        shutil.copy(harness.ROOT / "pytest.ini", self.folder)
        for file in ("conftest.py", "harness.py", "limited.py"):
            shutil.copy(harness.ROOT / "tests" / file, self.folder / "tests")
        (self.folder / "tests" / "allowed-skips.txt").write_text("# why\ntest_may_skip: it is allowed to\n")

    def run_suite(self, source):
        (self.folder / "tests" / "suite" / "test_suite.py").write_text(source)
        command = [sys.executable, "-m", "pytest", "tests/suite"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def test_the_last_line_counts_and_the_exit_code_tells(self):
        for name, (source, wanted, counts) in OUTCOMES.items():
            with self.subTest(name):
                code, said = self.run_suite(source)
                self.assertEqual((min(code, 1), said.splitlines()[-1]), (wanted, f"suite: {counts}"), said)

    def test_each_file_of_tests_has_a_name_of_its_own(self):
        """Python imports them by their names alone, so two of one name run apart, but not in one run."""
        files = sorted(file.name for file in (harness.ROOT / "tests").rglob("test_*.py"))
        self.assertGreater(len(files), 20)
        self.assertEqual([name for name in set(files) if files.count(name) > 1], [])
