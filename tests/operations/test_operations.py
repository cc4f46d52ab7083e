"""The exporter as it is run: several segments at once, its logs, its end, a service manager,
and files for node_exporter."""

import http.client
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import threading

import harness
from harness import wait_until

HERE = pathlib.Path(__file__).parent


class Worker(harness.Worker):
    """A PHP worker that has counted, and counts what it is told."""

    def __init__(self, test, key, kind, amount):
        super().__init__(test, f"sysv:{key}", HERE / "worker.php", kind, amount, settings=["promshm.max_series_per_metric=100%"])
        self.wait_for("counted")


class OperationsTest(harness.TestCase):
    def ask(self, exporter, path="/metrics", method="GET"):
        """Status and body."""
        answer = harness.ask(exporter.address, path, method=method)
        return answer.status, answer.body.decode()

    def jobs(self, page):
        found = harness.parse(page)
        return {name: value for name, value in found.items() if name.startswith("jobs_total")}

    def two(self):
        """Two applications, and the exporter's word for both."""
        other = self.new_key()
        workers = [Worker(self, self.key, "gauge", 3), Worker(self, other, "counter", 4)]
        return workers, f"shop={self.segment},mail=sysv:{other}"


class SegmentsTest(OperationsTest):
    def test_a_real_prometheus_sees_two_applications(self):
        workers, segments = self.two()
        absent = f"new=sysv:{self.new_key()}"
        exporter = harness.Exporter(self, f"{segments},{absent}")
        prometheus = harness.Prometheus(self, exporter.address)
        both = {'jobs_total{queue="mail",segment="shop"}': 3, 'jobs_total{queue="mail",segment="mail"}': 4}
        prometheus.expect("jobs_total", both)
        up = {'promshm_up{segment="shop"}': 1, 'promshm_up{segment="mail"}': 1, 'promshm_up{segment="new"}': 0}
        prometheus.expect("promshm_up", up)
        prometheus.expect("depth", {'depth{segment="shop"}': 7})
        left_out = {'promshm_left_out_families{reason="type_conflict",segment="mail"}': 1}
        prometheus.expect("promshm_left_out_families > 0", left_out)
        theirs = {f'labelled_total{{exported_segment="theirs",segment="{name}"}}': 1 for name in ("shop", "mail")}
        prometheus.expect("labelled_total", theirs)
        prometheus.expect("sum by (segment) (job_seconds_count)", {'{segment="shop"}': 1, '{segment="mail"}': 1})
        prometheus.expect_health()

        workers[1].count(6)
        both['jobs_total{queue="mail",segment="mail"}'] = 10
        prometheus.expect("jobs_total", both)
        self.assert_well_formed(exporter.get())

    def assert_well_formed(self, page):
        """promtool must have nothing to say but of the counter that was named to clash."""
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_auto_follows_created_and_removed_segments(self):
        exporter = harness.Exporter(self, "auto")
        status, cause = self.ask(exporter, "/-/ready")
        self.assertEqual(status, 503)
        self.assertIn("no promshm segment is found", cause)
        self.assertNotIn("promshm_up{", exporter.get())

        other = self.new_key()
        workers = [Worker(self, self.key, "gauge", 3)]
        subprocess.run(["ipcmk", "-M", "4096"], check=True, capture_output=True)  # another program's
        label = {key: f'jobs_total{{segment="{key:#010x}",queue="mail"}}' for key in (self.key, other)}
        self.assertEqual(self.jobs(exporter.get()), {label[self.key]: 3})
        workers.append(Worker(self, other, "gauge", 4))
        self.assertEqual(self.jobs(exporter.get()), {label[self.key]: 3, label[other]: 4})
        self.assertEqual(self.ask(exporter, "/-/ready")[0], 200)
        self.assertEqual(exporter.get().count("promshm_up{"), 2)

        self.remove_segment(self.key)
        self.assertEqual(self.jobs(exporter.get()), {label[other]: 4})
        exporter.stop()
        self.assertIn(f'msg="the segment is gone" segment="{self.key:#010x}={self.segment}"', exporter.output())

    def test_auto_does_not_need_proc(self):
        """Where /proc/sysvipc is hidden, as in hardened containers."""
        Worker(self, self.key, "gauge", 3)
        hidden = 'mount -t tmpfs none /proc/sysvipc && ! test -e /proc/sysvipc/shm && exec "$0" "$@"'
        exporter = harness.Exporter(self, "auto", ["unshare", "--mount", "sh", "-c", hidden])
        self.assertEqual(list(self.jobs(exporter.get()).values()), [3])


class StartTest(OperationsTest):
    def test_empty_environment_variables_and_spaces_after_commas_are_ignored(self):
        def complaint(value):
            words = [harness.EXPORTER, "dump"]
            return subprocess.run(words, env={**os.environ, "PROMSHM_SEGMENT": value}, capture_output=True, text=True).stderr

        for empty in ("", " "):
            self.assertIn("no segment sysv:0x70736d31", complaint(empty))
        other = f"sysv:{self.new_key():#010x}"
        both = complaint(f"shop={self.segment}, mail={other}")
        for name in (self.segment, other):
            self.assertIn(f"no segment {name}", both)

    def test_pipe_with_the_name_of_an_object_does_not_block(self):
        name = f"pipe-{os.getpid()}"
        os.mkfifo(f"/dev/shm/{name}", 0o644)
        self.addCleanup(os.unlink, f"/dev/shm/{name}")
        exporter = harness.Exporter(self, f"posix:/{name}")
        self.assertEqual(self.ask(exporter, "/-/healthy")[0], 200)
        self.assertEqual(self.ask(exporter, "/-/ready")[0], 503)
        self.assertIn("\npromshm_up 0\n", exporter.get())
        self.assertEqual(exporter.stop(), 0)
        for command in (["dump"], ["status"], ["rm", "--yes"]):
            done = subprocess.run([harness.EXPORTER, *command, "--segment", f"posix:/{name}"], capture_output=True, text=True, timeout=harness.WATCHDOG)
            self.assertEqual(done.returncode, 1, (command, done))
            self.assertIn(f"posix:/{name}", done.stderr)
        self.assertTrue(os.path.exists(f"/dev/shm/{name}"), "it is somebody else's")

    def test_bare_port_listens_on_ipv4_and_ipv6(self):
        setup = 'ip link set lo up && sysctl -qw net.ipv6.bindv6only=1 && exec "$0" "$@"'
        through = ["unshare", "--net", "sh", "-c", setup]
        exporter = harness.Exporter(self, self.segment, through, words=["--web.listen-address=:10200"])
        inside = ["nsenter", f"--net=/proc/{exporter.pid}/ns/net"]
        for address in ("127.0.0.1", "::1"):
            check = [*inside, sys.executable, "-c", f"import socket; socket.create_connection(('{address}', 10200), 60)"]
            done = subprocess.run(check, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)

    def inherited(self, kind, number=1):
        """The words that start a program with a socket as systemd hands it over, and that socket."""
        listener = self.enterContext(socket.socket(kind))
        listener.bind(("127.0.0.1", 0) if kind == socket.AF_INET else str(self.folder / "socket"))
        listener.listen()
        hand_over = f'LISTEN_PID=$$ LISTEN_FDS={number} exec "$0" "$@" 3<&{listener.fileno()}'
        return ["bash", "-c", hand_over], listener

    def test_systemd_hands_over_its_sockets(self):
        through, listener = self.inherited(socket.AF_INET)
        words = ["--web.systemd-socket"]
        exporter = harness.Exporter(self, self.segment, through, words=words, pass_fds=[listener.fileno()])
        self.assertEqual(exporter.address, f"127.0.0.1:{listener.getsockname()[1]}")
        self.assertEqual(self.ask(exporter, "/-/healthy")[0], 200)
        self.assertEqual(exporter.stop(), 0)

    def test_missing_systemd_sockets_are_an_error(self):
        command = [harness.EXPORTER, "--web.systemd-socket", "--segment", self.segment]
        none = subprocess.run(command, capture_output=True, text=True, timeout=harness.WATCHDOG)
        self.assertEqual(none.returncode, 1)
        self.assertIn("systemd has handed over no socket", none.stderr)
        through, listener = self.inherited(socket.AF_UNIX)
        other = subprocess.run([*through, *command], pass_fds=[listener.fileno()], capture_output=True, text=True, timeout=harness.WATCHDOG)
        self.assertEqual(other.returncode, 1)
        self.assertIn("must listen on TCP", other.stderr)

    def test_a_prefix_is_before_all_paths(self):
        exporter = harness.Exporter(self, self.segment, words=["--web.route-prefix=/promshm"])
        for path, status in (("/promshm/metrics", 200), ("/promshm/-/healthy", 200), ("/promshm/", 200), ("/metrics", 404), ("/-/healthy", 404)):
            self.assertEqual(self.ask(exporter, path)[0], status, path)
        for path in ("/", "/promshm"):
            answer = harness.ask(exporter.address, path)
            self.assertEqual((answer.status, answer.getheader("Location")), (302, "/promshm/"))
        check = [harness.EXPORTER, "healthcheck", f"--web.listen-address={exporter.address}"]
        self.assertEqual(subprocess.run([*check, "--web.route-prefix=/promshm"]).returncode, 0)
        self.assertEqual(subprocess.run(check, capture_output=True).returncode, 1)

    def test_process_metrics_are_absent_without_proc(self):
        hidden = 'mount -t tmpfs none /proc && exec "$0" "$@"'
        exporter = harness.Exporter(self, self.segment, ["unshare", "--mount", "sh", "-c", hidden])
        told = {name for name in harness.parse(exporter.get()) if name.startswith("process_")}
        self.assertEqual(told, {"process_cpu_seconds_total", "process_max_fds", "process_start_time_seconds"})

    def test_a_proxy_may_write_the_scheme_as_it_likes(self):
        exporter = harness.Exporter(self, self.segment)
        host, port = exporter.address.split(":")
        for scheme in ("http", "HTTP", "Https"):
            with socket.create_connection((host, int(port)), harness.WATCHDOG) as client:
                client.sendall(f"GET {scheme}://{exporter.address}/-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 200"), scheme)


class EndTest(OperationsTest):
    def lingering(self, limit="10m", kind="gauge"):
        worker = Worker(self, self.key, kind, 1)
        exporter = harness.Exporter(self, self.segment, words=["--web.linger", limit])
        exporter.send(signal.SIGTERM)
        exporter.wait_for("waiting for one more scrape")
        return worker, exporter

    def test_linger_ends_after_one_more_scrape(self):
        worker, exporter = self.lingering()
        worker.count(41)  # after the signal, as in a pod that ends
        for path, method in (("/-/healthy", "GET"), ("/metrics?name[]=jobs_total", "GET"), ("/metrics", "HEAD"), ("/", "GET")):
            self.assertEqual(self.ask(exporter, path, method)[0], 200, path)
        self.assertIsNone(exporter.process.poll(), "only a whole page is the last one")
        self.assertIn('jobs_total{queue="mail"} 42', exporter.get())
        self.assertEqual(exporter.wait(), 0)
        self.assertIn("the last scrape is answered", exporter.output())

    def test_aborted_scrape_does_not_end_linger(self):
        _, exporter = self.lingering(kind="many")
        host, port = exporter.address.split(":")
        with socket.create_connection((host, int(port)), harness.WATCHDOG) as half:
            half.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertTrue(half.recv(1000).startswith(b"HTTP/1.1 200"))
        self.assertEqual(self.ask(exporter, "/-/healthy")[0], 200)
        self.assertGreater(len(exporter.get()), 8_000_000)
        self.assertEqual(exporter.wait(), 0)

    def test_live_page_does_not_end_linger(self):
        worker, exporter = self.lingering()
        for headers in ({"Promshm-Live": "1"}, {"Sec-Fetch-Mode": "navigate"}):
            self.assertEqual(harness.ask(exporter.address, "/metrics", headers).status, 200)
        self.assertEqual(self.ask(exporter, "/-/healthy")[0], 200)
        worker.count(41)
        self.assertIn('jobs_total{queue="mail"} 42', exporter.get())
        self.assertEqual(exporter.wait(), 0)

    def test_linger_waits_for_every_scraper(self):
        exporter = harness.Exporter(self, self.segment, words=["--web.linger=10m", "--web.linger-scrapes=2"])
        kept = http.client.HTTPConnection(exporter.address, timeout=harness.WATCHDOG)
        self.addCleanup(kept.close)
        exporter.send(signal.SIGTERM)
        exporter.wait_for("waiting for one more scrape")
        for _ in range(3):
            kept.request("GET", "/metrics")
            answer = kept.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
        self.assertEqual(self.ask(exporter, "/-/healthy")[0], 200)
        self.assertIsNone(exporter.process.poll(), "one that scrapes three times is not three")
        exporter.get()
        self.assertEqual(exporter.wait(), 0)
        self.assertIn("the last scrape is answered", exporter.output())

    def test_second_signal_ends_linger(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            _, exporter = self.lingering()
            self.assertEqual(exporter.stop(number), 0)
            self.assertNotIn("level=warn", exporter.output())

    def test_linger_timeout_logs_a_warning(self):
        _, exporter = self.lingering("100ms")
        self.assertEqual(exporter.wait(), 0)
        self.assertRegex(exporter.output(), "level=warn msg=.too few have scraped")

    def test_ctrl_c_ends_without_linger(self):
        exporter = harness.Exporter(self, self.segment, words=["--web.linger=10m"])
        self.assertEqual(exporter.stop(signal.SIGINT), 0)
        self.assertNotIn("one more scrape", exporter.output())

    def test_a_real_prometheus_gets_the_last_numbers(self):
        worker = Worker(self, self.key, "gauge", 1)
        exporter = harness.Exporter(self, self.segment, words=["--web.linger=10m"])
        prometheus = harness.Prometheus(self, exporter.address)
        wait_until("a scrape", lambda: prometheus.query("jobs_total"))
        worker.count(41)
        exporter.send(signal.SIGTERM)
        self.assertEqual(exporter.wait(), 0)
        prometheus.expect("last_over_time(jobs_total[1h])", [42], lambda answer: list(answer.values()))


class ServiceTest(OperationsTest):
    def test_logs_are_json(self):
        _, segments = self.two()
        exporter = harness.Exporter(self, segments, words=["--log.format=json", "--log.level=debug"])
        exporter.get()
        exporter.stop()
        lines = [json.loads(line) for line in exporter.output().splitlines()]
        by_message = {line["msg"]: line for line in lines}
        self.assertGreater(len(lines), 3)
        for line in lines:
            self.assertRegex(line["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertIn(line["level"], ("error", "warn", "info", "debug"))
        self.assertEqual(by_message["stopping"]["signal"], signal.SIGTERM)
        self.assertEqual(by_message["listening"]["address"], exporter.address)
        self.assertEqual(by_message["attached the segment"]["segment"].split("=")[0], "mail")
        warning = next(line for line in lines if line["level"] == "warn")
        self.assertEqual((warning["metric"], warning["segment"]), ("depth", "mail"))

    def test_errors_are_json(self):
        command = [harness.EXPORTER, "dump", "--segment", self.segment, "--log.format=json"]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        line = json.loads(done.stderr)
        self.assertEqual(line["level"], "error")
        self.assertIn("no worker has counted yet", line["msg"])

    def test_service_manager_is_notified(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(harness.WATCHDOG)
            manager.bind(str(self.folder / "notify"))
            environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "100000"}
            exporter = harness.Exporter(self, self.segment, env=environment)
            self.assertEqual(manager.recv(4096), b"READY=1\n")
            self.assertEqual(self.ask(exporter, "/-/healthy")[0], 200)
            for _ in range(5):
                self.assertEqual(manager.recv(4096), b"WATCHDOG=1\n")
            exporter.send(signal.SIGTERM)
            # Read at once: the kernel keeps ten of them, and lets the exporter wait for room.
            while (told := manager.recv(4096)) == b"WATCHDOG=1\n":
                pass
            self.assertEqual(told, b"STOPPING=1\n")
            self.assertEqual(exporter.wait(), 0)

    def test_watchdog_is_notified_only_if_requested(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(harness.WATCHDOG)
            manager.bind(str(self.folder / "notify"))
            environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify")}
            environment.pop("WATCHDOG_USEC", None)
            exporter = harness.Exporter(self, self.segment, env=environment)
            self.assertEqual(exporter.stop(), 0)
            self.assertEqual([manager.recv(4096) for _ in range(2)], [b"READY=1\n", b"STOPPING=1\n"])

    def test_missing_service_manager_is_ignored(self):
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "nobody")}
        exporter = harness.Exporter(self, self.segment, env=environment)
        self.assertEqual(self.ask(exporter)[0], 200)
        self.assertEqual(exporter.stop(), 0)
        self.assertIn("the service manager cannot be told", exporter.output())


class DumpTest(OperationsTest):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "textfile" / "promshm.prom"
        self.file.parent.mkdir()

    def command(self, *words):
        return [str(harness.EXPORTER), "dump", "--segment", self.segment, "--output", str(self.file), *words]

    def dump(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=harness.WATCHDOG)

    def test_readers_never_see_a_partial_file(self):
        """While files are written, by two at once, and writers are killed."""
        Worker(self, self.key, "many", 1)
        words = self.command("--format=openmetrics")  # a whole page ends in # EOF
        subprocess.run(words, check=True)
        seen, done = [], threading.Event()

        def read():
            while not done.is_set():
                page = self.file.read_bytes()
                seen.append(page.endswith(b"\n# EOF\n") and b"promshm_up 1\n" in page)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for round_ in range(20):
                writers = [subprocess.Popen(words) for _ in range(2)]
                victim = subprocess.Popen(words)
                threading.Event().wait(round_ * 0.002)
                victim.kill()
                victim.wait()
                self.assertEqual([writer.wait(harness.WATCHDOG) for writer in writers], [0, 0])
        finally:
            done.set()
            reader.join()
        self.assertGreater(len(seen), 10)
        self.assertTrue(all(seen), f"{seen.count(False)} of {len(seen)} pages were parts")

    def test_file_is_readable_for_others_and_no_temporary_file_remains(self):
        Worker(self, self.key, "gauge", 3)
        done = subprocess.run(["sh", "-c", 'umask 077; exec "$0" "$@"', *self.command()], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o644)
        self.assertEqual(os.listdir(self.file.parent), [self.file.name])
        self.assertEqual(self.jobs(self.file.read_text()), {'jobs_total{queue="mail"}': 3})

    def test_failed_dump_keeps_the_old_file(self):
        self.file.write_text("old")
        done = self.dump()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no worker has counted yet", done.stderr)
        Worker(self, self.key, "gauge", 3)
        full = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=4k none {self.file.parent} && echo old > {self.file} && ! "$0" "$@" && cat {self.file} && ls -A {self.file.parent}']
        done = subprocess.run([*full, *self.command()], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "old\npromshm.prom\n"), done.stderr)
        self.assertIn("make room in", done.stderr)
        self.assertEqual(self.file.read_text(), "old")

    def test_errors_name_cause_and_mend(self):
        Worker(self, self.key, "gauge", 3)
        self.file.parent.rmdir()
        done = self.dump()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"cannot write {self.file}: No such file.*: make the directory {self.file.parent}\n$")

    def test_formats_are_those_of_the_server(self):
        Worker(self, self.key, "gauge", 3)
        page = {}
        for name in ("text", "text1", "openmetrics"):
            self.assertEqual(self.dump("--format", name).returncode, 0)
            page[name] = self.file.read_text()
        samples = {name: self.jobs(text) for name, text in page.items()}
        self.assertEqual(samples["text"], samples["openmetrics"])
        self.assertIn("# TYPE jobs_total counter\n", page["text1"])
        self.assertIn("# TYPE jobs counter\n", page["openmetrics"])
        self.assertTrue(page["openmetrics"].endswith("# EOF\n"))
        self.assertEqual(self.dump("--format", "protobuf").returncode, 0)
        self.assertIn(b"\x0a\x0ajobs_total", self.file.read_bytes())
