"""What pytest does in every folder of tests: the fixtures, and a count that cannot be empty.

The fixtures give a test what `harness.TestCase` gives to its methods; a suite uses one or the other."""

import collections
import pathlib
import re

import harness
import pytest

# "name: why", one a line: of phpt files, and of Python tests.
ALLOWED_SKIPS = re.findall(r"^([^#:\s]+):", (harness.ROOT / "tests/allowed-skips.txt").read_text(), re.M)


@pytest.fixture(scope="session", autouse=True)
def ipc_namespace():
    """System V IPC and a /dev/shm that nobody else sees, for all processes that the tests start.
    Nothing is left behind there. Without root the tests share the machine's own."""
    harness.enter_ipc_namespace()


@pytest.fixture
def context(request):
    """A folder, a segment of its own, and an end for what is started."""
    return harness.Context(request.addfinalizer)


@pytest.fixture
def worker(context):
    """Starts PHP workers on the test's segment: worker("-r", code), or worker(script, words)."""
    return lambda *words, **options: harness.Worker(context, context.segment, *words, **options)


@pytest.fixture
def exporter(context):
    """An exporter on the test's segment."""
    return harness.Exporter(context, context.segment)


@pytest.fixture
def prometheus(context, exporter):
    """A Prometheus that scrapes that exporter."""
    return harness.Prometheus(context, exporter.address)


class Outcomes:
    """Counts tests by what became of them; what failed in any part, failed."""

    def __init__(self):
        self.worst = {}
        self.broken = 0

    def pytest_collectreport(self, report):
        self.broken += report.failed

    def pytest_runtest_logreport(self, report):
        outcome = report.outcome
        if report.skipped and not self.is_allowed(report):
            print(f"\n{report.nodeid}: skipped, and not in tests/allowed-skips.txt: {report.longrepr}")
            outcome = "failed"
        order = ["passed", "skipped", "failed"]
        known = self.worst.get(report.nodeid, "passed")
        self.worst[report.nodeid] = max(known, outcome, key=order.index)

    def is_allowed(self, report):
        return report.nodeid.rsplit("::", 1)[-1] in ALLOWED_SKIPS

    def counts(self):
        """Passed, failed and skipped; a run without a test that passed is a failure."""
        count = collections.Counter(self.worst.values())
        failed = count["failed"] + self.broken
        return count["passed"], failed or int(count["passed"] == 0), count["skipped"]


def pytest_configure(config):
    config.pluginmanager.register(Outcomes(), "outcomes")


def pytest_sessionfinish(session, exitstatus):
    passed, failed, skipped = session.config.pluginmanager.get_plugin("outcomes").counts()
    if failed and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    names = " ".join(pathlib.Path(word.split("::")[0]).name for word in session.config.args)
    # pytest's own summary comes first: whoever sums up the steps reads the last line.
    session.config.add_cleanup(lambda: print(f"{names}: {passed} passed, {failed} failed, {skipped} skipped", flush=True))
