"""Real requests to Apache's mpm_event with a thread-safe PHP in it: threads count side by side, a graceful restart and the
SIGKILL of a child process lose nothing that was answered. tests/run-apache.sh builds that PHP.

Wants APACHE_PHP_MODULE, the libphp.so of that PHP, and the extension built for it."""

import collections
import concurrent.futures
import http.client
import itertools
import os
import pathlib
import signal
import socket
import threading

import harness
import pytest

MODULES = "/usr/lib/apache2/modules"
CHILDREN, THREADS = 2, 8

CONFIG = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule php_module {php}
User nobody
Group nogroup
ServerLimit {children}
StartServers {children}
ThreadLimit {threads}
ThreadsPerChild {threads}
MinSpareThreads {threads}
MaxSpareThreads {all}
MaxRequestWorkers {all}
GracefulShutdownTimeout 60
PHPIniDir {folder}
DocumentRoot {folder}
<Directory {folder}>
  Require all granted
</Directory>
SetHandler application/x-httpd-php
"""

# Slow enough that requests meet; the answer says which process and which slot counted.
SCRIPT = """<?php
function handle() {
    usleep(2000);
}
$requests = new Promshm\\Counter('requests_total', '', ['n']);
$requests->inc([(string) ($_GET['n'] % 5)]);
(new Promshm\\Histogram('times', '', [], [1, 2]))->observe($_GET['n'] % 3);
(new Promshm\\Gauge('alive', '', [], Promshm\\GaugeMode::Sum))->set(1);
handle();
echo getmypid(), ' ', Promshm\\Segment::status()['slot'];
"""


class Apache:
    def __init__(self, context):
        self.context = context
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        context.copy(harness.EXTENSION)
        (context.folder / "index.php").write_text(SCRIPT)
        extension = context.folder / harness.EXTENSION.name
        settings = [f"extension={extension}", f"promshm.segment={context.segment}", "promshm.max_processes=64"]
        settings.append('promshm.observe="handle, usleep"')
        (context.folder / "php.ini").write_text("\n".join([*settings, "display_errors=1", ""]))
        words = {"folder": context.folder, "port": self.port, "modules": MODULES, "php": os.environ["APACHE_PHP_MODULE"]}
        (context.folder / "apache.conf").write_text(
            CONFIG.format(**words, children=CHILDREN, threads=THREADS, all=CHILDREN * THREADS)
        )
        command = ["apache2", "-f", context.folder / "apache.conf", "-DFOREGROUND"]
        self.process = harness.Process(context, "apache", command)
        harness.wait_until("Apache's port", self.answers)
        harness.wait_until("Apache's children", lambda: len(self.children()) == CHILDREN)
        self.numbers = itertools.count()
        self.lock = threading.Lock()

    def answers(self):
        assert self.process.process.poll() is None, self.context.logs()
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def request(self):
        """One request on a connection of its own: its number, and the answer's words, or `None` if it was cut off."""
        with self.lock:
            number = next(self.numbers)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.WATCHDOG)
        try:
            connection.request("GET", f"/index.php?n={number}")
            answer = connection.getresponse()
            body = answer.read().decode()
            assert answer.status == 200, (answer.status, body, self.context.logs())
            pid, slot = body.split()
            return number, int(pid), int(slot)
        except (ConnectionError, http.client.HTTPException):
            return number, None, None
        finally:
            connection.close()

    def requests(self, amount, between=lambda: None):
        """So many requests from 16 clients; `between` is called when a quarter of them was answered."""
        with concurrent.futures.ThreadPoolExecutor(16) as clients:
            pending = [clients.submit(self.request) for _ in range(amount)]
            for done, _ in enumerate(concurrent.futures.as_completed(pending)):
                if done == amount // 4:
                    between()
            return [each.result() for each in pending]

    def children(self):
        return [int(pid) for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]


@pytest.fixture
def apache(context):
    return Apache(context)


def counted(page):
    """How often each label was counted, and what the histogram saw in all."""
    page = harness.parse(page)
    return {n: page.get(f'requests_total{{n="{n}"}}', 0) for n in range(5)}, page["times_count"]


def observed(page):
    """How often the two functions that php.ini lists were called."""
    page = harness.parse(page)
    return [page[f'php_function_duration_seconds_count{{function="{name}"}}'] for name in ("handle", "usleep")]


def expected(answers):
    return {n: sum(number % 5 == n for number, *_ in answers) for n in range(5)}


def test_threads_of_two_processes_count_side_by_side(apache, exporter):
    answers = apache.requests(2000)
    assert all(pid for _, pid, _ in answers)
    assert counted(exporter.get()) == (expected(answers), 2000)
    assert observed(exporter.get()) == [2000, 2000]
    slots = collections.defaultdict(set)
    for _, pid, slot in answers:
        slots[slot].add(pid)
    assert len({pid for _, pid, _ in answers}) == CHILDREN
    assert 0 not in slots, "a thread found no slot of its own"
    assert len(slots) > CHILDREN, "threads share a slot"
    assert all(len(pids) == 1 for pids in slots.values()), "two processes had one slot"
    assert harness.parse(exporter.get())["alive"] == len(slots)


def test_a_graceful_restart_loses_no_count(apache, exporter):
    before = set(apache.children())
    # Apache closes some connections, whose requests may have run: what was answered is counted, and what was counted was sent.
    answers = apache.requests(2000, between=lambda: apache.process.send(signal.SIGUSR1))
    answered = [each for each in answers if each[1]]
    assert len(answered) >= 2000 - 2 * CHILDREN * THREADS, "a graceful restart cut off requests"
    harness.wait_until("new children", lambda: not before & set(apache.children()))
    found, _ = counted(exporter.get())
    least, most = expected(answered), expected(answers)
    assert all(least[n] <= found[n] <= most[n] for n in range(5)), (least, found, most)
    more = apache.requests(500)
    assert all(pid and pid not in before for _, pid, _ in more)
    again, _ = counted(exporter.get())
    assert again == {n: found[n] + expected(more)[n] for n in range(5)}
    # Apache's parent has shut PHP down and started it anew. A thread that ended within a request left its calls open.
    handled, slept = observed(exporter.get())
    assert len(answered) + 500 <= handled == slept <= sum(again.values())
    in_flight = {n for name, n in harness.parse(exporter.get()).items() if name.startswith("php_function_in_flight")}
    assert in_flight == {0}
    assert "exit signal" not in apache.context.logs(), apache.context.logs()
    living = {slot for _, _, slot in more}
    page = harness.parse(exporter.get())
    assert page["alive"] == len(living), "threads that ended still count as alive"


def test_a_killed_child_loses_nothing_that_was_answered(apache, exporter):
    victim = apache.children()[0]
    answers = apache.requests(2000, between=lambda: os.kill(victim, signal.SIGKILL))
    cut = [each for each in answers if each[1] is None]
    answered = [each for each in answers if each[1] is not None]
    assert len(cut) <= THREADS * 2, "more was cut off than one process had"
    assert answered, "nothing was answered"
    found, _ = counted(exporter.get())
    least, most = expected(answered), expected(answers)
    for n in range(5):
        assert least[n] <= found[n] <= most[n], (n, least, found, most)
    harness.wait_until("another child", lambda: len(set(apache.children()) - {victim}) == CHILDREN)
    more = apache.requests(500)
    assert all(pid and pid != victim for _, pid, _ in more)
    again, _ = counted(exporter.get())
    assert sum(again.values()) == sum(found.values()) + 500
    assert harness.parse(exporter.get())['promshm_worker_exits_total{kind="abrupt"}'] > 0


def test_stopping_frees_every_slot_and_keeps_the_totals(apache, exporter):
    answers = apache.requests(500)
    assert apache.process.stop() == 0
    page = harness.parse(exporter.get())
    assert counted(exporter.get()) == (expected(answers), 500)
    assert observed(exporter.get()) == [500, 500]
    assert page.get("alive", 0) == 0
    assert page['promshm_slots{state="live"}'] == 0
