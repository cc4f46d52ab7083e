"""Metrics without code: stock workers of Symfony and Laravel, PDO, Redis, curl and HTTP, by one line of php.ini, as a real
Prometheus has them. What they are compared with was counted by others: Doctrine's log, Laravel's log, the Redis server, the
HTTP server, or stands in the script as a loop."""

import collections
import functools
import http.server
import json
import os
import pathlib
import re
import socket
import subprocess
import threading

import harness
import pytest

SCRIPTS = pathlib.Path(__file__).with_name("observed")
# Debian's Redis wants igbinary to be there first.
MODULES = ("ctype", "curl", "iconv", "igbinary", "intl", "mbstring", "pdo", "pdo_sqlite", "redis", "tokenizer")
FAILED = r"Symfony\Component\Messenger\Exception\HandlerFailedException"


class Server(http.server.ThreadingHTTPServer):
    """Serves the scripts' folder, and notes what it was asked for."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            self.server.asked[self.path.split("?")[0]] += 1

    def __init__(self, context):
        self.asked = collections.Counter()
        super().__init__(("127.0.0.1", 0), functools.partial(self.Handler, directory=str(SCRIPTS)))
        threading.Thread(target=self.serve_forever, daemon=True).start()
        context.addCleanup(self.server_close)
        context.addCleanup(self.shutdown)

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Redis(harness.Process):
    """A Redis server on a socket in the test's folder, which keeps nothing."""

    def __init__(self, context):
        self.socket = context.folder / "redis.sock"
        command = ["redis-server", "--port", 0, "--unixsocket", self.socket, "--save", "", "--appendonly", "no"]
        super().__init__(context, "redis", [*command, "--dir", context.folder])
        self.wait_for("eady to accept connections")

    def commands(self):
        """How often each command came, by its name."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            connection.sendall(b"INFO commandstats\r\nQUIT\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        return collections.Counter({name: int(calls) for name, calls in re.findall(r"cmdstat_(\w+):calls=(\d+)", answer)})


@functools.cache
def wanted_modules():
    built_in = subprocess.check_output([harness.PHP, "-n", "-m"], text=True).lower().split()
    return [word for module in MODULES if module not in built_in for word in ("-d", f"extension={module}")]


@pytest.fixture
def observe(context):
    """Starts a script with that list on a segment; calling what it returns waits for what the script says as JSON."""

    def start(entries, script, *words, segment=context.segment, settings=()):
        settings = (*settings, f'promshm.observe="{entries}"', "promshm.runtime_metrics=0")
        settings += ("error_reporting=E_ALL & ~E_DEPRECATED", "display_errors=stderr")
        command = harness.php(segment, SCRIPTS / script, *words, settings=settings)
        command[2:2] = wanted_modules()
        command = [str(word) for word in command]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        context.addCleanup(process.kill)

        def end():
            said, complaints = process.communicate(timeout=harness.WATCHDOG)
            assert (process.returncode, complaints) == (0, ""), (script, said)
            return json.loads(said or "{}")

        return end

    return start


def calls(**by_function):
    """What Prometheus has of so many calls; `PDO__query` is PDO::query."""
    name = lambda function: function.replace("__", "::", 1)
    count = "php_function_duration_seconds_count"
    return {f'{count}{{function="{name(function)}"}}': n for function, n in by_function.items()}


def failed(function, exception, count):
    return {f'php_function_errors_total{{exception="{exception}",function="{function}"}}': count}


ONE_LINE = "@db, @http, @redis, @symfony, @laravel"
FAMILIES = "(php_function|messenger|laravel_job)"


def test_stock_workers_and_clients_are_in_prometheus_to_the_count(context, observe):
    """All of them have the same one line of php.ini. Nothing else is counted, and at the end nothing is in flight."""
    server, redis = Server(context), Redis(context)
    words = {"messenger": [], "laravel": [], "pdo": [], "redis": [redis.socket], "curl": [server.url("curl.php")]}
    segments = {name: f"sysv:{context.new_key():#010x}" for name in words}
    started = {name: observe(ONE_LINE, f"{name}.php", *more, segment=segments[name]) for name, more in words.items()}
    said = {name: end() for name, end in started.items()}

    assert server.asked["/curl.php"] == 12
    commands = redis.commands()
    assert (commands["get"], commands["set"], commands["incr"]) == (40, 45, 10), commands
    messenger, laravel = said["messenger"]["executions"], said["laravel"]["executions"]
    assert messenger > 29 * 3 and laravel > 6 * 3, said
    expected = {
        "messenger": {
            'messenger_duration_seconds_count{message="Mail"}': 20,
            'messenger_duration_seconds_count{message="Report"}': 9,
            f'messenger_errors_total{{exception="{FAILED}",message="Report"}}': 3,
            # The first statement finds no table, which is made then.
            **calls(PDO__prepare=messenger + 1, PDOStatement__execute=messenger),
            **failed("PDO::prepare", "PDOException", 1),
            # A message is taken in a transaction.
            **calls(PDO__beginTransaction=29, PDO__commit=29),
            **calls(PDO____construct=1),
        },
        "laravel": {
            # The label `job` is the target's.
            'laravel_job_duration_seconds_count{exported_job="SendMail"}': 6,
            'laravel_job_errors_total{exception="DomainException",exported_job="SendMail"}': 1,
            **calls(PDO__prepare=laravel, PDOStatement__execute=laravel),
            # A job is taken and deleted in transactions, and the last look finds none.
            **calls(PDO__beginTransaction=13, PDO__commit=13),
            **calls(PDO____construct=1),
        },
        "redis": {
            **calls(Redis____construct=2, Redis__connect=3, Redis__multi=1, Redis__exec=1),
            **calls(Redis__get=commands["get"], Redis__set=commands["set"], Redis__incr=commands["incr"]),
            **failed("Redis::connect", "RedisException", 1),
        },
        "curl": {
            **calls(curl_exec=server.asked["/curl.php"] - 2 + 1, curl_multi_exec=said["curl"]["multi"]),
            **failed("curl_exec", "false", 1),
        },
        "pdo": {
            **calls(PDO____construct=2, PDO__exec=2, PDO__prepare=2, PDO__beginTransaction=2, PDO__commit=2),
            **calls(PDO__query=8, PDOStatement__execute=52),
            **failed("PDOStatement::execute", "PDOException", 2),
        },
    }
    exporter = harness.Exporter(context, ",".join(f"{name}={segment}" for name, segment in segments.items()))
    prometheus = harness.Prometheus(context, exporter.address)
    # Doctrine makes its tables by statements whose number is its own affair, and not every Redis has a destructor.
    counts = f'{{__name__=~"{FAMILIES}_(duration_seconds_count|errors_total)",segment="%s",function!~"%s"}}'
    own_affair = {"messenger": "PDO::exec|PDO::query", "redis": "Redis::__destruct"}
    without_segment = lambda found, name: {key.replace(f',segment="{name}"', ""): n for key, n in found.items()}
    for name, samples in expected.items():
        part = lambda found, name=name: without_segment(found, name)
        prometheus.expect(counts % (name, own_affair.get(name, "nothing")), samples, part=part)
    in_flight = prometheus.query(f'{{__name__=~"{FAMILIES}_in_flight"}}')
    assert len(in_flight) > 20 and set(in_flight.values()) == {0}, in_flight
    seconds = prometheus.query('messenger_duration_seconds_sum{message="Mail"}')
    assert list(seconds.values()) > [0], seconds


def test_calls_of_urls_are_told_from_files(context, observe):
    server = Server(context)
    observe("@http", "http.php", server.url("http.php"))()
    assert server.asked["/http.php"] == 3
    page = harness.parse(harness.dump(context.segment))
    assert page['php_function_duration_seconds_count{function="file_get_contents"}'] == 4
    assert page['php_function_errors_total{function="file_get_contents",exception="false"}'] == 1


# mysqli takes its functions from mysqlnd. Scripts that need neither are not to load them.
DATABASES = ("extension=mysqlnd", "extension=mysqli", "extension=pgsql")


def test_false_of_databases_is_an_error(context, observe):
    """There is no server: each call fails, those of them by an exception that were told to."""
    observe("@db", "databases.php", settings=DATABASES)()
    page = harness.parse(harness.dump(context.segment))
    found = {name: number for name, number in page.items() if re.match("php_function_.*(count|errors)", name)}
    by_false = ("mysqli_connect", "mysqli_real_connect", "mysqli::real_connect", "pg_connect")
    exceptions = dict.fromkeys(by_false, "false") | {"mysqli::__construct": "mysqli_sql_exception"}
    expected = {f'php_function_duration_seconds_count{{function="{function}"}}': 1 for function in exceptions}
    for function, exception in exceptions.items():
        expected[f'php_function_errors_total{{function="{function}",exception="{exception}"}}'] = 1
    assert found == expected


COVERED = SCRIPTS / "covered.php"
BESIDE = {
    "xdebug": ("zend_extension=xdebug", "xdebug.mode=develop,coverage,debug,trace", "xdebug.start_with_request=no"),
    "pcov": ("extension=pcov", "pcov.enabled=1", f"pcov.directory={SCRIPTS}"),
}
# Debian has no package of OpenTelemetry's extension: PROMSHM_OPENTELEMETRY names one, then it is tried as well.
OPENTELEMETRY = os.environ.get("PROMSHM_OPENTELEMETRY")
OBSERVERS = {"opentelemetry": (f"extension={OPENTELEMETRY}",)} if OPENTELEMETRY else {}


@pytest.mark.parametrize("tool", BESIDE)
def test_coverage_of_observed_functions_is_that_of_others(context, observe, tool):
    """The lines that were run, results, and the traces of exceptions."""
    alone = observe("", "coverage.php", settings=BESIDE[tool])()
    observed = observe("halves, steps, unused, array_sum", "coverage.php", settings=BESIDE[tool])()
    # In a rewritten function the closing brace is run, too; Xdebug says of others that nothing comes there.
    braces = [number for number, line in enumerate(COVERED.read_text().splitlines(), 1) if line == "}"]
    for said in (alone, observed):
        said["lines"] = {line: times for line, times in said["lines"].items() if int(line) not in braces}
    assert observed == alone
    assert len(alone["lines"]) > 10 and "halves(3)" in alone["caught"][2], alone
    assert_covered_is_counted(context)


def assert_covered_is_counted(context):
    page = harness.parse(harness.dump(context.segment))
    found = {name: number for name, number in page.items() if re.match("php_function_.*(count|errors)", name)}
    count = lambda function: f'php_function_duration_seconds_count{{function="{function}"}}'
    error = 'php_function_errors_total{function="halves",exception="DomainException"}'
    assert found == {count("halves"): 3, count("steps"): 1, count("array_sum"): 1, error: 1}


if OPENTELEMETRY:

    def test_hooks_of_observed_functions_are_told_the_same(context, observe):
        """Arguments, results, exceptions, and each step of a generator."""
        alone = observe("", "hooks.php", settings=OBSERVERS["opentelemetry"])()
        observed = observe("halves, steps, unused, array_sum", "hooks.php", settings=OBSERVERS["opentelemetry"])()
        assert observed == alone
        assert len(alone["seen"]) == 14 and "halves(3)" in alone["caught"][2], alone
        assert_covered_is_counted(context)


@pytest.mark.parametrize("tool", BESIDE | OBSERVERS)
def test_messenger_is_counted_beside(context, observe, tool):
    observe("@symfony", "messenger.php", settings=(BESIDE | OBSERVERS)[tool])()
    page = harness.parse(harness.dump(context.segment))
    assert page['messenger_duration_seconds_count{message="Mail"}'] == 20
    assert page['messenger_duration_seconds_count{message="Report"}'] == 9
    failed = FAILED.replace("\\", "\\\\")  # as text formats have it
    assert page[f'messenger_errors_total{{message="Report",exception="{failed}"}}'] == 3
