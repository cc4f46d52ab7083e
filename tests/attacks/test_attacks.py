#!/usr/bin/env python3
"""What an open port gets, while ordinary scrapes go on: each one must be answered, and the exporter's
memory must stay small. How long scrapes took is printed, not judged.

A handler that panics needs a handler that can: exporter/src/guard/tests.rs has one.
"""

import contextlib
import http.client
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
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
from harness import wait_until

MEMORY = 16 << 20
SERIES = 1000

# A page of some 70 KB.
WORKER = f"""
$c = new Promshm\\Counter('attacked_total', 'Something to read.', ['number', 'text']);
for ($i = 0; $i < {SERIES}; $i++) $c->inc([(string) $i, 'a text that makes the page longer']);
"""


class Scrapes:
    """Scrapes again and again: on a connection of its own each time, and on one that is kept."""

    def __init__(self, address):
        self.address = address
        self.took = []
        self.failures = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(keep,)) for keep in (False, True)]

    def run(self, keep):
        connection = None
        while not self.stopping.is_set():
            started = time.monotonic()
            try:
                connection = self.scrape(connection)
            except Exception as error:  # whatever it is, the scrape was not answered
                self.failures.append(f"{'kept' if keep else 'new'} connection: {error!r}")
                connection = None
            self.took.append(time.monotonic() - started)
            if not keep and connection:
                connection.close()
                connection = None
            time.sleep(0.02)
        if connection:
            connection.close()

    def scrape(self, connection):
        """As Prometheus does: a kept connection that has ended is tried anew, once."""
        for kept in (connection, None):
            client = kept or http.client.HTTPConnection(self.address, timeout=harness.WATCHDOG)
            try:
                client.request("GET", "/metrics", headers={"Accept": "text/plain"})
                answer = client.getresponse()
                page = answer.read()
            except (ConnectionError, http.client.RemoteDisconnected):
                if kept:
                    continue
                raise
            if answer.status != 200 or page.count(b"\nattacked_total{") != SERIES:
                raise AssertionError(f"status {answer.status}, {len(page)} bytes")
            return client

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class AttacksTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard < 6000:
            raise AssertionError(f"5,000 connections need more than {hard} descriptors: raise ulimit -n")

    def setUp(self):
        super().setUp()
        php = [harness.PHP, "-n", "-d", f"extension={harness.EXTENSION}", "-d", f"promshm.segment={self.segment}"]
        subprocess.run([*php, "-r", WORKER], check=True, timeout=harness.WATCHDOG)
        self.sockets = contextlib.ExitStack()
        self.addCleanup(self.sockets.close)

    def exporter(self, through=(), words=()):
        exporter = harness.Exporter(self, self.segment, through, words=words)
        host, port = exporter.address.rsplit(":", 1)
        self.target = (host, int(port))
        return exporter

    def connect(self, buffer=None):
        """A client's socket, closed with the test."""
        client = self.sockets.enter_context(socket.socket())
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(harness.WATCHDOG)
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
        with Scrapes(exporter.address) as scrapes:
            yield
            enough = len(scrapes.took) + 20  # some of them after the attack
            wait_until("more scrapes", lambda: len(scrapes.took) >= enough)
        memory = self.memory(exporter)
        took = [seconds * 1000 for seconds in scrapes.took]
        print(
            f"{len(took)} scrapes, median {statistics.median(took):.1f} ms, longest {max(took):.1f} ms;"
            f" memory {memory / (1 << 20):.1f} MiB at most ...",
            end=" ",
            file=sys.stderr,
            flush=True,
        )
        self.assertEqual(scrapes.failures, [], exporter.output())
        self.assertLess(memory, MEMORY)

    def memory(self, exporter):
        """The most that was ever resident."""
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
            exporter = self.exporter()
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

    def test_5000_idle_and_slow_connections(self):
        exporter = self.exporter()
        with self.scraped(exporter):
            clients = [self.connect() for _ in range(5000)]
            for client in clients[::2]:
                self.send(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")
            for _ in range(20):
                for client in clients[::20]:
                    self.send(client, b"x")
                time.sleep(0.2)
            page = harness.parse(exporter.get())
            self.assertLessEqual(page["promshm_http_connections"], 512)
        self.assertGreater(self.refused(exporter)["made_way"], 4000)
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
        with self.scraped(exporter):
            for _ in range(300):
                client = self.connect(buffer=2048)
                client.setblocking(False)
                self.send(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)
            time.sleep(3)
        self.assertGreater(self.refused(exporter)["slow_reader"], 0)
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
        with self.scraped(exporter):
            for _ in range(5):
                clients = [self.connect() for _ in range(200)]
                for client in clients[::2]:
                    self.send(client, b"GET / HTTP/1.1\r\n")
                time.sleep(0.3)
                for client in clients:
                    client.close()
        self.assertGreater(self.refused(exporter)["made_way"], 500)

    def test_no_descriptor_is_left(self):
        """The limit is lowered under a running exporter, as if others had taken what it counted on."""
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

    def test_the_end_is_not_held_up(self):
        exporter = self.exporter()
        clients = [self.connect() for _ in range(300)]
        for client in clients[::3]:
            self.send(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        for client in clients[::3]:
            self.assertEqual(self.answer(client), 200)
        self.assertEqual(exporter.stop(), 0)


if __name__ == "__main__":
    harness.isolate()
    harness.main("attacks")
