"""The product as it is deployed: workers in one PID namespace under one user, the exporter
in another under another user, one IPC namespace, scraped by a real Prometheus."""

import collections
import json
import os
import pathlib
import re
import select
import signal
import subprocess

import harness
from harness import wait_until, workers_samples

# User ids without accounts: the kernel needs no names.
WORKER_UID = 41001
EXPORTER_UID = 41002
STRANGER_UID = 41003
SHARED_GID = 41004

# The process metrics of a worker.
WORKERS_OWN = (
    "memory_bytes",
    "memory_peak_bytes",
    "cpu_seconds_total",
    "gc_runs_total",
    "requests_total",
    "start_time_seconds",
    "slot_crashes_total",
)


class PidNamespace(harness.Process):
    """A PID namespace with only an init process, like a container's sandbox."""

    number = 0

    def __init__(self, test):
        PidNamespace.number += 1
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sleep", "infinity"]
        super().__init__(test, f"namespace-{PidNamespace.number}", command)
        self.init = wait_until("the namespace's init", self.find_init)

    def find_init(self):
        """The process id of `sleep`, once it runs: before, the process still sets up its namespace."""
        for pid in harness.descendants(self.pid):
            if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep"):
                return pid
        return None

    def enter(self, uid, gid, groups=()):
        """The command prefix that runs a command in this namespace as a user."""
        groups = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        user = ["setpriv", "--reuid", str(uid), "--regid", str(gid), *groups]
        return ["nsenter", "--target", str(self.init), "--pid", "--mount", "--root", *user]

    def kill(self):
        """The end of the container: the kernel kills every process in it."""
        os.kill(self.init, signal.SIGKILL)
        self.wait()


class Worker(harness.Process):
    """A PHP worker that takes commands, and the sum of what it has reported."""

    number = 0

    def __init__(self, test, namespace, **settings):
        Worker.number += 1
        settings = ["extension=posix", *(f"{name}={value}" for name, value in settings.items())]
        extension = test.folder / harness.EXTENSION.name
        php = harness.php(test.segment, test.folder / "worker.php", settings=settings, extension=extension)
        command = [*namespace.enter(WORKER_UID, SHARED_GID), *php]
        name = f"worker-{Worker.number}"
        super().__init__(test, name, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.total = collections.Counter()

    def ask(self, do, **command):
        """Gives a command and returns the report."""
        self.process.stdin.write(json.dumps({"do": do, **command}).encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], harness.WATCHDOG)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise AssertionError(f"{self.log.name} does not answer:\n{self.output()}")
        return json.loads(line)

    def jobs(self, number, seed):
        self.total.update(self.ask("jobs", number=number, seed=seed))

    def php(self):
        """PHP's process id as seen from here: nsenter stands above it."""
        return wait_until("php", lambda: harness.descendants(self.pid)[-1:])[0]

    def kill(self):
        os.kill(self.php(), signal.SIGKILL)
        self.wait()

    def leave(self):
        """The end of the script, as at the end of its input."""
        self.process.stdin.close()
        return self.wait()


class EndToEndTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.fail("namespaces and users need root: run it with sudo")
        self.copy(harness.EXTENSION, harness.EXPORTER, pathlib.Path(__file__).parent / "worker.php")
        self.worker_namespace = PidNamespace(self)
        self.exporter_namespace = PidNamespace(self)

    def exporter(self, uid=EXPORTER_UID, groups=(SHARED_GID,)):
        through = self.exporter_namespace.enter(uid, uid, groups)
        return harness.Exporter(self, self.segment, through, self.folder / harness.EXPORTER.name)

    def worker(self, **settings):
        return Worker(self, self.worker_namespace, **settings)

    def own(self, exporter, metric):
        return harness.parse(exporter.get()).get(metric)

    def wait_for_totals(self, prometheus, workers):
        """Waits until Prometheus shows exactly what all the workers have reported."""
        expected = sum((worker.total for worker in workers), collections.Counter())
        expected = {series: float(amount) for series, amount in expected.items()}
        self.assertGreater(len(expected), 15, "the workers have reported next to nothing")
        query = '{job="promshm",__name__=~"jobs_total|sent_bytes_total|job_duration_seconds_.*"}'
        prometheus.expect(query, expected)

    def wait_for_tellers(self, prometheus, number):
        """Waits until Prometheus shows process metrics of exactly this many workers."""
        expected = {f"{{of=\"{name}\"}}": number for name in WORKERS_OWN}
        query = 'count by (of) (label_replace({__name__=~"php_worker_.*"}, "of", "$1", "__name__", "php_worker_(.*)"))'
        prometheus.expect(query, expected)
        prometheus.expect("min(php_worker_cpu_seconds_total) > bool 0", {"{}": 1})
        prometheus.expect("max(php_worker_cpu_seconds_total) < bool 60", {"{}": 1})

    def assert_apart(self, worker, exporter):
        """Checks that workers and exporter are isolated like two containers."""
        one, other = worker.php(), harness.descendants(exporter.pid)[-1]
        namespace = {pid: {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("pid", "ipc")} for pid in (one, other)}
        self.assertNotEqual(namespace[one]["pid"], namespace[other]["pid"])
        self.assertEqual(namespace[one]["ipc"], namespace[other]["ipc"])
        users = [os.stat(f"/proc/{pid}").st_uid for pid in (one, other)]
        self.assertEqual(users, [WORKER_UID, EXPORTER_UID])

    def assert_well_formed(self, exporter):
        """promtool must report nothing."""
        page = exporter.get().encode()
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=harness.WATCHDOG)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))

    def test_a_real_prometheus_shows_the_exact_totals(self):
        exporter = self.exporter()
        self.assertEqual(self.own(exporter, "promshm_up"), 0)
        prometheus = harness.Prometheus(self, exporter.address)
        prometheus.expect("promshm_up", {"promshm_up{}": 0})

        workers = [self.worker() for _ in range(4)]
        for seed, worker in enumerate(workers):
            worker.jobs(2000, seed)
        workers[0].ask("level", number=17)
        self.assert_apart(workers[0], exporter)
        self.wait_for_totals(prometheus, workers)
        prometheus.expect("promshm_up", {"promshm_up{}": 1})
        prometheus.expect_health()
        prometheus.expect("queue_level", {"queue_level{}": 17})
        self.assert_well_formed(exporter)

        for worker in workers:
            self.assertEqual(worker.leave(), 0)
        workers.append(self.worker())
        workers[-1].jobs(500, 99)
        self.wait_for_totals(prometheus, workers)
        self.assertEqual(self.own(exporter, 'promshm_worker_exits_total{kind="clean"}'), 4)

    def test_killed_worker_loses_only_its_gauge(self):
        exporter = self.exporter()
        prometheus = harness.Prometheus(self, exporter.address)
        workers = [self.worker() for _ in range(3)]
        for seed, worker in enumerate(workers):
            worker.jobs(1000, seed)
            worker.ask("begin", number=10 ** seed)
        self.wait_for_totals(prometheus, workers)
        prometheus.expect("jobs_in_flight", {"jobs_in_flight{}": 111})
        self.wait_for_tellers(prometheus, 3)
        slot = lambda worker: worker.ask("status")["slot"]
        killed, others = slot(workers[1]), [slot(workers[0]), slot(workers[2])]

        workers[1].kill()
        prometheus.expect("jobs_in_flight", {"jobs_in_flight{}": 101})
        self.wait_for_totals(prometheus, workers)
        self.wait_for_tellers(prometheus, 2)

        workers.append(self.worker())
        workers[3].jobs(1000, 3)
        self.wait_for_totals(prometheus, workers)
        self.wait_for_tellers(prometheus, 3)
        self.assertEqual(slot(workers[3]), killed, "the new worker continues the killed one's slot")
        self.assertEqual([slot(workers[0]), slot(workers[2])], others)
        prometheus.expect("jobs_in_flight", {"jobs_in_flight{}": 101})
        exits = {kind: self.own(exporter, f'promshm_worker_exits_total{{kind="{kind}"}}') for kind in ("clean", "fatal", "abrupt")}
        self.assertEqual(exits, {"clean": 0, "fatal": 0, "abrupt": 1})
        for counter in ("jobs_total", "sent_bytes_total", "job_duration_seconds_count", "job_duration_seconds_sum"):
            prometheus.expect(f"sum(resets({counter}[1h]))", {"{}": 0})

    def test_a_killed_container_is_continued_by_the_next(self):
        """The new container's process ids start from 1 again, so they do not tell which process lives."""
        exporter = self.exporter()
        workers = [self.worker() for _ in range(2)]
        for seed, worker in enumerate(workers):
            worker.jobs(500, seed)
            worker.ask("begin", number=5)
        before = workers_samples(exporter.get())
        self.assertEqual(before["jobs_in_flight"], 10)

        self.worker_namespace.kill()
        self.worker_namespace = PidNamespace(self)
        wait_until("two abrupt exits", lambda: self.own(exporter, 'promshm_worker_exits_total{kind="abrupt"}') == 2)
        kept = workers_samples(exporter.get())
        self.assertEqual({**kept, "jobs_in_flight": 10}, before)
        self.assertEqual(kept.get("jobs_in_flight", 0), 0)

        successor = self.worker()
        successor.jobs(500, 7)
        count = sum(worker.total["sent_bytes_total{}"] for worker in (*workers, successor))
        self.assertEqual(workers_samples(exporter.get())["sent_bytes_total"], count)

    def test_exporter_follows_a_wipe(self):
        exporter = self.exporter()
        first, second = self.worker(), self.worker()
        first.jobs(100, 1)
        second.jobs(100, 2)
        self.assertEqual(len(workers_samples(exporter.get())) > 15, True)
        first.ask("wipe")
        wait_until("an empty page", lambda: not workers_samples(exporter.get()))
        second.total.clear()
        second.jobs(10, 3)
        total = wait_until("the new count", lambda: workers_samples(exporter.get()).get("sent_bytes_total"))
        self.assertEqual(total, second.total["sent_bytes_total{}"])
        self.assertEqual(self.own(exporter, "promshm_up"), 1)

    def test_a_restarted_exporter_shows_the_same(self):
        exporter = self.exporter()
        worker = self.worker()
        worker.jobs(300, 1)
        before = workers_samples(exporter.get())
        exporter.end()
        self.assertEqual(workers_samples(self.exporter().get()), before)

    def test_exporter_without_permission_reports_the_cause(self):
        """Mode 0640 and no shared group: the most frequent mistake during setup."""
        worker = self.worker()
        worker.jobs(10, 1)
        stranger = self.exporter(STRANGER_UID, ())
        self.assertEqual(self.own(stranger, "promshm_up"), 0)
        self.assertEqual(workers_samples(stranger.get()), {})
        line = stranger.wait_for(r".*promshm\.(mode|group).*").group(0)
        self.assertRegex(line, rf"{WORKER_UID}")
        stranger.get()
        self.assertEqual(len(re.findall(r"promshm\.mode|promshm\.group", stranger.output())) > 0, True)

    def test_mode_0644_lets_everybody_read(self):
        worker = self.worker(**{"promshm.mode": "0644"})
        worker.jobs(10, 1)
        stranger = self.exporter(STRANGER_UID, ())
        self.assertEqual(self.own(stranger, "promshm_up"), 1)
        self.assertEqual(workers_samples(stranger.get())["sent_bytes_total"], worker.total["sent_bytes_total{}"])
