"""What the Python tests share: processes that never outlive a test, waiting with a
watchdog, the exporter and its page. conftest.py offers the same as fixtures.

Only the standard library is used.
"""

import contextlib
import ctypes
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from limited import processes

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHP = os.environ.get("PHP", "php")
WATCHDOG = 180  # seconds; no test waits longer for what must come, and none is faster for it


PROMETHEUS_CONFIG = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: promshm
    static_configs:
      - targets: ["{target}"]
"""


def _built(variable, name):
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return pathlib.Path(os.environ.get(variable) or pathlib.Path(target) / "release" / name).resolve()


EXTENSION = _built("PROMSHM_EXTENSION", "libpromshm.so")
EXPORTER = _built("PROMSHM_EXPORTER", "promshm-exporter")


def php(segment, *words, settings=(), extension=EXTENSION):
    """The words that run PHP with the extension, that segment and further settings, and nothing else that is configured."""
    settings = [f"extension={extension}", f"promshm.segment={segment}", *settings]
    return [PHP, "-n", *(word for setting in settings for word in ("-d", setting)), *words]


def ask(address, path="/metrics", headers=None, method="GET"):
    """An answer as it came, whatever its status, with its body in `body`."""
    connection = http.client.HTTPConnection(address, timeout=WATCHDOG)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        answer.body = answer.read()
        return answer
    finally:
        connection.close()


def wait_until(what, probe):
    """Asks again and again until the answer is true, and returns it."""
    deadline = time.monotonic() + WATCHDOG
    answer = None
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {WATCHDOG} s for {what}; last seen: {answer!r}")


def parse(page):
    """A page of Prometheus text as a dict from series to number."""
    samples = {}
    for line in page.splitlines():
        if line and not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            assert series not in samples, f"{series} stands twice"
            samples[series] = float(value)
    return samples


# What exporter and workers tell of themselves.
OWN = ("promshm_", "process_", "php_worker_")


def workers_samples(page):
    """Like parse(), without what exporter and workers tell of themselves."""
    return {series: value for series, value in parse(page).items() if not series.startswith(OWN)}


def series(name, labels):
    """A series' name with its labels in order, unescaped; to Prometheus an empty label is none."""
    inside = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels) if labels[key])
    return f"{name}{{{inside}}}"


def kernel_keys(table="shm"):
    """The System V keys that exist in this IPC namespace."""
    lines = pathlib.Path(f"/proc/sysvipc/{table}").read_text().splitlines()[1:]
    return {int(line.split()[0]) & 0xFFFFFFFF for line in lines}


def descendants(pid):
    """All processes below one, as this PID namespace numbers them."""
    parents = {each: int(fields[1]) for each, fields in processes().items()}
    found = [pid]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found[1:]


def descriptors(pid):
    """What the descriptors of a process lead to, but for those that it closes meanwhile."""
    links = []
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(link))
    return links


class Process:
    """A child process with its output in a file; ended with the test that started it."""

    def __init__(self, test, name, command, **options):
        self.log = test.folder / f"{name}.log"
        with self.log.open("ab") as log:
            options.setdefault("stdout", log)
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stderr=log,
                stdin=options.pop("stdin", subprocess.DEVNULL),
                start_new_session=True,
                **options,
            )
        test.addCleanup(self.end)

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern):
        """Waits until the output matches, and returns the match."""

        def probe():
            found = re.search(pattern, self.output())
            if not found and self.process.poll() is not None:
                raise AssertionError(f"{self.log.name} ended with {self.process.returncode}:\n{self.output()}")
            return found

        return wait_until(f"{pattern!r} in {self.log.name}", probe)

    def send(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(WATCHDOG)

    def stop(self, number=signal.SIGTERM):
        """Asks it to end, and waits."""
        self.send(number)
        return self.wait()

    def end(self):
        """Ends it whatever it is doing, with all that it started."""
        if self.process.poll() is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


class Worker(Process):
    """A PHP worker. `words` are PHP's own, `through` those that start it elsewhere. A script that reads
    numbers from its standard input counts them, and says so."""

    started = itertools.count(1)

    def __init__(self, test, segment, *words, through=(), settings=(), **options):
        command = [*through, *php(segment, *words, settings=settings)]
        options.setdefault("stdin", subprocess.PIPE)
        super().__init__(test, f"worker-{next(Worker.started)}", command, **options)

    def count(self, amount):
        before = self.output().count("counted")
        self.process.stdin.write(f"{amount}\n".encode())
        self.process.stdin.flush()
        wait_until("the count", lambda: self.output().count("counted") > before)


class Exporter(Process):
    """The exporter on a free port. `segment` may be several, with commas; `through` are the words that
    start it elsewhere, `words` further ones for itself."""

    started = 0

    def __init__(self, test, segment, through=(), binary=None, words=(), **options):
        Exporter.started += 1
        command = [*through, binary or EXPORTER, "serve", "--segment", segment, "--web.listen-address=127.0.0.1:0"]
        super().__init__(test, f"exporter-{Exporter.started}", [*command, *words], **options)
        self.address = self.wait_for(r"""address"?[=:]"?([^\s"]+:\d+)""").group(1)

    def get(self, path="/metrics"):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=WATCHDOG) as answer:
            return answer.read().decode()


class Prometheus(Process):
    """A real Prometheus that scrapes one target each second, or does what a command of one's own says.
    `more` are further lines on how it scrapes, `program` another one than the system's."""

    def __init__(self, test, target=None, more="", command=None, flags=(), program="prometheus", **options):
        if command is None:
            config = test.folder / "prometheus.yml"
            config.write_text(PROMETHEUS_CONFIG.format(target=target) + more)
            command = [program, f"--config.file={config}", f"--storage.tsdb.path={test.folder / 'tsdb'}"]
        super().__init__(test, "prometheus", [*command, "--web.listen-address=127.0.0.1:0", *flags], **options)
        self.test = test
        self.address = self.wait_for(r"""Listening on".* address="?([^\s"]+:\d+)""").group(1)
        self.wait_for("Server is ready to receive web requests")

    def api(self, path, **words):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(url, timeout=WATCHDOG) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """The answer as a dict from series to number, without the target's labels."""
        found = {}
        for each in self.api("query", query=expression)["result"]:
            name = each["metric"].pop("__name__", "")
            labels = {key: value for key, value in each["metric"].items() if key not in ("job", "instance")}
            found[series(name, labels)] = float(each["value"][1])
        return found

    def expect(self, expression, expected, part=dict):
        """Waits until the answer, or a part of it, is the expected one. It may come late, and go away for a moment:
        a scrape that takes more than its second, as on a busy machine, failed."""
        answer = lambda: part(self.query(expression))
        try:
            wait_until(f"the answer to {expression}", lambda: answer() == expected)
        except AssertionError:
            found = answer()
            assert found == expected, f"{expression}: {found} is not {expected}\n{self.test.logs()}"

    def expect_health(self):
        """Waits until the target was scraped without a complaint."""
        health = lambda: [(each["health"], each["lastError"]) for each in self.api("targets")["activeTargets"]]
        wait_until(f"a healthy target of {self.log.name}", lambda: health() == [("up", "")])
        self.expect("up", {"up{}": 1})


def prometheus_3():
    """The path of a Prometheus 3, which is fetched at the first call."""
    subprocess.run([ROOT / "scripts/prometheus3.sh"], check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
    return os.environ.get("PROMSHM_PROMETHEUS_3") or str(target / "prometheus-3/usr/bin/prometheus")


def dashboard_expressions():
    """All expressions of Grafana's dashboard, with its variables replaced."""
    document = json.loads((ROOT / "grafana" / "dashboard.json").read_text())
    variables = {"${histogram}": "job_duration_seconds", "$counter": "jobs_processed_total", "$__rate_interval": "1m"}
    for panel in document["panels"]:
        for expression in (target["expr"] for target in panel.get("targets", [])):
            for name, value in {**variables, "$job": ".*", "$instance": ".*"}.items():
                expression = expression.replace(name, value)
            yield expression


def copied_query(histogram, label):
    """What the live page copies as PromQL of a histogram with one label."""
    quantile = lambda labels, suffix: f"histogram_quantile(0.95, sum by ({labels}) (rate({histogram}{suffix}[5m])))"
    return f"{quantile(label, '')} or {quantile(f'le, {label}', '_bucket')}"


def dump(segment):
    """One scrape by the exporter's `dump`."""
    command = [EXPORTER, "dump", "--segment", segment]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=WATCHDOG).stdout


class Resources:
    """What a test holds: a folder that other users can read, a segment of its own, and their end."""

    keys = itertools.count(1)

    def prepare(self):
        for built in (EXTENSION, EXPORTER):
            assert built.exists(), f"{built} is not built"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promshm-test-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.key = self.new_key()
        self.segment = f"sysv:{self.key:#010x}"

    def new_key(self):
        """A key that no other test has; what is under it is removed with the test."""
        key = 0x10000000 + os.getpid() % 0x10000 * 0x1000 + next(Resources.keys)
        self.addCleanup(self.remove_segment, key)
        return key

    def remove_segment(self, key):
        subprocess.run(["ipcrm", "-M", hex(key), "-S", hex(key)], capture_output=True)

    def logs(self):
        """All output of the processes of this test, for messages."""
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')}" for log in self.folder.glob("*.log"))

    def copy(self, *files):
        """Copies files to where another user may read them."""
        for file in files:
            shutil.copy(file, self.folder)
            (self.folder / pathlib.Path(file).name).chmod(0o755)


class Context(Resources):
    """The resources of a test that is a function; `add_finalizer` takes what is to run after it."""

    def __init__(self, add_finalizer):
        self.add_finalizer = add_finalizer
        self.prepare()

    def addCleanup(self, function, *words, **options):
        self.add_finalizer(lambda: function(*words, **options))


class TestCase(Resources, unittest.TestCase):
    """The resources of a test that is a method."""

    maxDiff = None

    def setUp(self):
        self.prepare()


def enter_ipc_namespace():
    """Moves this process into an IPC namespace and gives it a /dev/shm of its own; all that it starts inherits both."""
    if os.geteuid() != 0:
        return
    new_mounts, new_ipc = 0x00020000, 0x08000000  # CLONE_NEWNS, CLONE_NEWIPC
    if ctypes.CDLL(None, use_errno=True).unshare(new_mounts | new_ipc) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "shm", "/dev/shm"], check=True)
