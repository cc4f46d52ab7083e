"""Attacks on the open port during ordinary scrapes: each scrape must be answered, and the exporter's
memory must stay small. How long scrapes took is printed, not judged.

A handler that panics needs a handler that can: exporter/src/server/tests.rs has one.
"""

import base64
import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import resource
import select
import socket
import statistics
import subprocess
import sys
import threading

import harness
from harness import wait_until

HERE = pathlib.Path(__file__).resolve().parent
# Where the benchmarks want a line of JSON for each attack.
REPORT = os.environ.get("PROMSHM_ATTACKS_REPORT")
# Another address of this machine than the scrapers', because attackers and scrapers rarely share one.
ATTACKER = "127.0.0.2"
MEMORY = 16 << 20
SERIES = 1000

# A page of some 70 KB.
WORKER = f"""
$c = new Promshm\\Counter('attacked_total', 'Something to read.', ['number', 'text']);
for ($i = 0; $i < {SERIES}; $i++) $c->inc([(string) $i, 'a text that makes the page longer']);
"""


class Scrapes:
    """Scrapes that go on: on a connection of its own each time, and on one that is kept."""

    def __init__(self, test, exporter):
        words = [sys.executable, "-B", HERE / "scraper.py", exporter.address]
        environment = {**os.environ, "PYTHONPATH": str(harness.ROOT / "tests")}
        self.processes = [
            harness.Process(test, f"scraper-{exporter.pid}-{kind}", [*words, kind, SERIES], env=environment)
            for kind in ("new", "kept")
        ]

    def reports(self):
        """The results of the finished scrapes."""
        return [report for process in self.processes for report in self.of(process)]

    def of(self, process):
        output = process.output()
        if process.process.poll() is not None:
            raise AssertionError(f"{process.log.name} has ended:\n{output}")
        return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith("\n")]

    def wait_for_more(self, number):
        """Waits until each kind has made so many more scrapes."""
        enough = {process: len(self.of(process)) + number for process in self.processes}
        wait_until(f"{number} more scrapes", lambda: all(len(self.of(each)) >= goal for each, goal in enough.items()))

    def end(self):
        for process in self.processes:
            process.end()


class AttacksTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard < 6000:
            raise AssertionError(f"5,000 connections need more than {hard} descriptors: raise ulimit -n")

    def setUp(self):
        super().setUp()
        subprocess.run(harness.php(self.segment, "-r", WORKER), check=True, timeout=harness.WATCHDOG)
        self.sockets = contextlib.ExitStack()
        self.addCleanup(self.sockets.close)

    def exporter(self, through=(), words=()):
        exporter = harness.Exporter(self, self.segment, through, words=words)
        host, port = exporter.address.rsplit(":", 1)
        self.target = (host, int(port))
        return exporter

    def connect(self, buffer=None):
        """An attacker's socket, closed with the test."""
        client = self.sockets.enter_context(socket.socket())
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(harness.WATCHDOG)
        client.bind((ATTACKER, 0))
        client.connect(self.target)
        return client

    def send(self, client, data):
        """Sends what the exporter takes; it may hang up at any time."""
        with contextlib.suppress(OSError):
            client.sendall(data)

    def everything(self, client):
        """All that comes until the end of the connection."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while part := client.recv(65536):
                received += part
        return received

    @contextlib.contextmanager
    def scraped(self, exporter):
        """Ordinary scrapes go on inside, and all were answered; memory stayed small."""
        scrapes = Scrapes(self, exporter)
        scrapes.wait_for_more(10)
        yield scrapes
        scrapes.wait_for_more(10)
        reports, memory = scrapes.reports(), self.memory(exporter)
        scrapes.end()
        self.report([report["seconds"] * 1000 for report in reports], memory)
        self.assertEqual([report for report in reports if "failure" in report], [], exporter.output())
        self.assertLess(memory, MEMORY)

    def report(self, took, memory):
        """Reports the times of scrapes in milliseconds, and memory: to the terminal, and to the benchmarks."""
        found = {
            "attack": self._testMethodName.removeprefix("test_").replace("_", " "),
            "scrapes": len(took),
            "median": statistics.median(took),
            "longest": max(took),
            "memory": memory / (1 << 20),
        }
        told = "{scrapes} scrapes, median {median:.1f} ms, longest {longest:.1f} ms; memory {memory:.1f} MiB at most ..."
        print(told.format(**found), end=" ", file=sys.stderr, flush=True)
        if REPORT:
            with open(REPORT, "a") as report:
                print(json.dumps(found), file=report)

    def memory(self, exporter):
        """The peak resident memory."""
        status = pathlib.Path(f"/proc/{exporter.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024

    def refused(self, exporter):
        page = harness.parse(exporter.get())
        found = {name: value for name, value in page.items() if name.startswith("promshm_http_refused_total")}
        return {re.search('"(.*)"', name).group(1): value for name, value in found.items()}

    def assert_few_log_lines(self, exporter):
        self.assertLess(len(exporter.output().splitlines()), 20, exporter.output()[:5000])

    def test_a_burst_of_kept_alive_clients_at_a_fresh_server(self):
        for _ in range(25):
            exporter = self.exporter(words=["--web.max-requests=0"])  # this test is not about slow machines
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(socket.create_connection(self.target, harness.WATCHDOG)) for _ in range(64)]
                for _ in range(2):
                    for client in clients:
                        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
                    statuses = [self.answer(client) for client in clients]
                    self.assertEqual(statuses, [200] * 64, exporter.output())
            self.assertLess(self.memory(exporter), MEMORY)
            self.assertEqual(exporter.stop(), 0)

    @staticmethod
    def answer(client):
        answer = http.client.HTTPResponse(client)
        answer.begin()
        answer.read()
        return answer.status

    def test_scrapes_without_an_attack(self):
        """For comparison."""
        with self.scraped(self.exporter()) as scrapes:
            scrapes.wait_for_more(100)

    def test_5000_idle_and_slow_connections(self):
        exporter = self.exporter()
        with self.scraped(exporter) as scrapes:
            clients = [self.connect() for _ in range(5000)]
            for client in clients[::2]:
                self.send(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")
            for _ in range(20):
                for client in clients[::20]:
                    self.send(client, b"x")
                scrapes.wait_for_more(5)
            page = harness.parse(exporter.get())
            self.assertLessEqual(page["promshm_http_connections"], 512)
        self.assertGreater(self.refused(exporter)["evicted"], 1000)  # on a slow machine many time out before that
        self.assert_few_log_lines(exporter)

    def test_slow_heads_have_a_deadline(self):
        exporter = self.exporter()
        with self.scraped(exporter):
            client = self.connect()
            self.send(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")

            def trickle():
                """One more byte, which does not move the deadline; the answer, if there is one."""
                self.send(client, b"x")
                return select.select([client], [], [], 0.1)[0] and self.everything(client)

            answer = wait_until("an answer", trickle)
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)

    def test_clients_that_pipeline_and_never_read(self):
        exporter = self.exporter()
        with self.scraped(exporter) as scrapes:
            for _ in range(300):
                client = self.connect(buffer=2048)
                client.setblocking(False)
                self.send(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)
            wait_until("slow readers", lambda: self.refused(exporter)["slow_reader"] > 0)
            scrapes.wait_for_more(50)
        self.assert_few_log_lines(exporter)

    def test_a_header_of_200_megabytes(self):
        exporter = self.exporter()
        with self.scraped(exporter):
            for beginning in (b"GET / HTTP/1.1\r\nX: ", b"GET /", b"", b"\r\n"):
                client = self.connect()
                self.send(client, beginning)
                with contextlib.suppress(OSError):
                    for _ in range(200):
                        client.sendall(b"x" * (1 << 20))
        self.assertGreater(self.refused(exporter)["head_too_large"], 0)

    def test_64_descriptors(self):
        exporter = self.exporter(through=["prlimit", "--nofile=64:64"])
        with self.scraped(exporter) as scrapes:
            for _ in range(5):
                clients = [self.connect() for _ in range(200)]
                for client in clients[::2]:
                    self.send(client, b"GET / HTTP/1.1\r\n")
                scrapes.wait_for_more(5)
                for client in clients:
                    client.close()
        self.assertGreater(self.refused(exporter)["evicted"], 500)

    def test_no_descriptor_is_left(self):
        """The limit is lowered under a running exporter, as if others had used up the descriptors."""
        exporter = self.exporter()
        with self.scraped(exporter):
            used = len(list(pathlib.Path(f"/proc/{exporter.pid}/fd").iterdir()))
            subprocess.run(["prlimit", f"--nofile={used + 6}:4096", f"--pid={exporter.pid}"], check=True)
            clients = [self.connect() for _ in range(100)]
            wait_until("exhaustion", lambda: self.refused(exporter)["no_descriptors"] > 0)
            for client in clients:
                client.close()
            subprocess.run(["prlimit", "--nofile=1024:4096", f"--pid={exporter.pid}"], check=True)
        self.assert_few_log_lines(exporter)

    def test_random_bytes(self):
        exporter = self.exporter()
        seed = random.randrange(1 << 32)
        numbers = random.Random(seed)
        request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\n\r\n"
        with self.scraped(exporter):
            for number in range(3000):
                data = bytearray(request * numbers.randrange(1, 4))
                if number % 3 == 0:
                    data = bytearray(numbers.randbytes(numbers.randrange(1, 3000)))
                for _ in range(numbers.randrange(4)):
                    data[numbers.randrange(len(data))] = numbers.randrange(256)
                with socket.create_connection(self.target, harness.WATCHDOG) as client:
                    self.send(client, bytes(data))
                    if number % 2:
                        client.shutdown(socket.SHUT_WR)
                        self.everything(client)
        self.assertGreater(self.refused(exporter)["malformed"], 500, f"seed {seed}")
        self.assert_few_log_lines(exporter)

    def test_requests_with_bodies(self):
        exporter = self.exporter()
        inner = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
        long = b"Content-Length: %d\r\n" % len(inner)
        cases = [
            (b"POST", long, 413),
            (b"GET", long, 413),
            (b"POST", b"Content-Length: 1000000000\r\n", 413),
            (b"POST", b"Transfer-Encoding: chunked\r\n", 413),
            (b"POST", long + b"Transfer-Encoding: chunked\r\n", 400),
            (b"POST", long + b"Content-Length: 0\r\n", 400),
            (b"POST", b"Content-Length: 0, 5\r\n", 400),
            (b"POST", b"Content-Length : 5\r\n", 400),
            (b"POST", b"X: a\r\n Content-Length: 5\r\n", 400),
        ]
        with self.scraped(exporter):
            for method, fields, status in cases:
                client = self.connect()
                self.send(client, method + b" /metrics HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n" + inner)
                answers = self.everything(client)
                self.assertTrue(answers.startswith(b"HTTP/1.1 %d " % status), (fields, answers[:200]))
                self.assertEqual(answers.count(b"HTTP/1.1 "), 1, f"{fields}: the body was taken for a request")
        self.assertGreaterEqual(self.refused(exporter)["body"], 4)

    def test_small_requests_do_not_truncate_a_large_page(self):
        """A page that the kernel cannot hold is read in pieces, as by a busy Prometheus far away."""
        many = "$c = new Promshm\\Counter('large_total', '', ['text']); for ($i = 0; $i < 8000; $i++) $c->inc([str_repeat('x', 500) . $i]);"
        subprocess.run(harness.php(self.segment, "-r", many, settings=["promshm.max_series_per_metric=100%"]), check=True, timeout=harness.WATCHDOG)
        exporter = self.exporter()
        reader = self.connect(buffer=65536)
        self.send(reader, b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        page = b""
        while part := reader.recv(65536):
            page += part
            if len(page) < 3 << 20:
                for path in ("/-/healthy", "/-/ready", "/nothing"):
                    harness.ask(exporter.address, path)
        head, _, body = page.partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        self.assertGreater(length, 4 << 20)
        self.assertEqual(len(body), length, "the page was cut off")
        self.assertEqual(self.refused(exporter)["slow_reader"], 0)

    def test_wrong_passwords_do_not_delay_other_addresses(self):
        """Each needs a slow comparison; a right password arrives for the first time during them."""
        config = self.folder / "web.yml"
        hashing = "echo password_hash('right', PASSWORD_BCRYPT, ['cost' => 9]);"
        hashed = subprocess.run([harness.PHP, "-n", "-r", hashing], check=True, capture_output=True, text=True).stdout
        config.write_text(f"basic_auth_users:\n  alice: {hashed}\n")
        exporter = self.exporter(words=[f"--web.config.file={config}"])
        done = threading.Event()
        answered = collections.Counter()

        def attack(number):
            attempt = 0
            while not done.is_set():
                attempt += 1
                client = self.connect()
                credentials = base64.b64encode(b"alice:%d-%d" % (number, attempt))
                self.send(client, b"GET / HTTP/1.0\r\nAuthorization: Basic %s\r\n\r\n" % credentials)
                answered[self.everything(client)[9:12]] += 1
                client.close()

        attackers = [threading.Thread(target=attack, args=(number,)) for number in range(80)]
        for attacker in attackers:
            attacker.start()
        try:
            wait_until("a full house", lambda: answered[b"503"] > 0)
            right = {"Authorization": f"Basic {base64.b64encode(b'alice:right').decode()}"}
            answer = harness.ask(exporter.address, "/metrics", right)
            self.assertEqual(answer.status, 200, "it waited behind the wrong ones")
        finally:
            done.set()
            for attacker in attackers:
                attacker.join()
        self.assertGreater(answered[b"401"], 0)

    def test_shutdown_is_not_delayed(self):
        exporter = self.exporter()
        clients = [self.connect() for _ in range(300)]
        for client in clients[::3]:
            self.send(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        for client in clients[::3]:
            self.assertEqual(self.answer(client), 200)
        self.assertEqual(exporter.stop(), 0)
