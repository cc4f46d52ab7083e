"""Metrics without code under a real php-fpm: what it collects of requests and pools, and listed functions in code
that opcache shares between processes."""

import json
import pathlib
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from harness import Exporter, Prometheus, dashboard_expressions, descendants, dump, parse, wait_until, workers_samples
from test_fpm import FpmCase

SAPI = 'sapi="fpm-fcgi"'
# opcache leaves out files that have just been written, as the tests' scripts have.
CACHE_AT_ONCE = {"opcache.file_update_protection": "0"}


def connections_that_wait(port):
    """How many connections nobody has accepted yet, as the kernel tells of a listening port."""
    lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [fields[4] for fields in lines if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"]
    return sum(int(queues.split(":")[1], 16) for queues in listening)


class ObservedCase(FpmCase):
    def ask(self, do, method="GET", pool="promshm", **query):
        """One request to observed.php; returns the answer's JSON, or None if there was none."""
        words = "&".join(f"{name}={value}" for name, value in {"do": do, **query}.items())
        body = self.fetch("observed.php", words, method=method, pool=pool)[1]
        return json.loads(body) if body.startswith("{") else None

    def shown(self):
        """The page's samples; none while there is no segment yet."""
        try:
            return self.samples()
        except subprocess.CalledProcessError:
            return {}

    def expect(self, expected):
        """Waits for these samples: the last request may be answered before it has counted its end."""
        part = lambda: {name: self.shown().get(name) for name in expected}
        try:
            wait_until("the samples", lambda: part() == expected)
        except AssertionError:
            self.assertEqual(part(), expected, self.logs())

    def while_held(self, children, running, meanwhile):
        """Runs `meanwhile` while so many children are at work, as `running`, a gauge, tells."""
        go = self.folder / "go"
        with ThreadPoolExecutor(children) as threads:
            held = [threads.submit(self.ask, "hold", until=go) for _ in range(children)]
            try:
                self.expect({running: children})
                return meanwhile()
            finally:
                go.touch()
                self.assertNotIn(None, [done.result() for done in held], self.logs())


class CollectTest(ObservedCase):
    IN_FLIGHT = f"php_requests_in_flight{{{SAPI}}}"

    def collect(self, children=1, **options):
        self.start(children, settings={"promshm.collect": "all", **CACHE_AT_ONCE}, **options)

    def requests(self, method, code):
        return f'php_request_duration_seconds_count{{{SAPI},method="{method}",code="{code}"}}'

    def test_requests_are_counted_by_method_and_code(self):
        self.collect(children=2)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: self.ask("nothing"), range(40)))
        self.ask("nothing", method="POST")
        self.ask("nothing", method="HEAD")
        self.ask("nothing", method="PROPFIND")
        self.ask("code", code=404)
        self.ask("throw")
        self.ask("fatal")
        self.expect({
            self.requests("GET", 200): 40,
            self.requests("POST", 200): 1,
            self.requests("HEAD", 200): 1,
            self.requests("other", 200): 1,
            self.requests("GET", 404): 1,
            self.requests("GET", 500): 2,
            f"php_request_peak_memory_bytes_count{{{SAPI}}}": 46,
            self.IN_FLIGHT: 0,
        })

    def test_requests_in_flight_are_those_that_run(self):
        self.collect(children=3)
        self.while_held(3, self.IN_FLIGHT, lambda: None)
        self.expect({self.IN_FLIGHT: 0, self.requests("GET", 200): 3})

    def test_request_of_a_killed_child_is_not_in_flight(self):
        self.collect(children=1)
        self.assertIsNone(self.ask("kill"))
        wait_until("the next child", lambda: self.ask("nothing"))
        self.expect({self.IN_FLIGHT: 0, self.requests("GET", 200): 1})

    def test_wipe_within_a_request_leaves_none_in_flight(self):
        self.collect(children=1)
        self.assertIsNotNone(self.ask("wipe"))
        self.expect({self.requests("GET", 200): 1})
        self.assertEqual(self.samples().get(self.IN_FLIGHT, 0), 0)
        self.ask("nothing")
        self.expect({self.requests("GET", 200): 2, self.IN_FLIGHT: 0})

    def test_peak_memory_is_of_the_request_alone(self):
        self.collect(children=1)
        bucket = lambda bound: f'php_request_peak_memory_bytes_bucket{{{SAPI},le="{bound}"}}'
        self.ask("memory", bytes=40 << 20)
        self.ask("nothing")
        self.expect({bucket("4.194304e+06"): 1, bucket("3.3554432e+07"): 1, bucket("6.7108864e+07"): 2})

    def test_errors_and_exceptions_of_all_children_add_up(self):
        self.collect(children=2)
        for do in ("warn", "warn", "caught", "throw", "fatal"):
            self.ask(do)
        self.expect({
            'php_errors_total{level="warning"}': 2,
            'php_errors_total{level="user_error"}': 1,
            'php_errors_total{level="error"}': 1,
            'php_exceptions_thrown_total{class="DomainException"}': 2,
            'php_exceptions_uncaught_total{class="DomainException"}': 1,
        })

    def ask_until_all_are_told(self, ask, children):
        """Asks until php-fpm and the page tell of all children; `children` are those at work and the others, by pool. Its
        master sums them up each second, and what one of them adds while it does is lost until the next time. Usually the
        first answer is right; else the extension reads the pool again ten seconds later. Returns the last answer."""
        of_page = {
            f'php_fpm_processes{{pool="{pool}",state="{state}"}}': number
            for pool, numbers in children.items()
            for state, number in zip(("active", "idle"), numbers)
        }

        def told():
            answers = {pool: ask(pool)["fpm"] for pool in children}
            of_answers = {pool: (said["active-processes"], said["idle-processes"]) for pool, said in answers.items()}
            page = {name: self.shown().get(name) for name in of_page}
            return answers if (of_answers, page) == (children, of_page) else None

        return wait_until("all children of the pools", told)

    def test_pool_shows_its_children(self):
        """A child that has had no request yet asks when its first one begins: all three are at work then."""
        self.collect(children=3)
        ask = lambda pool: self.ask("nothing", pool=pool)
        told = self.while_held(2, self.IN_FLIGHT, lambda: self.ask_until_all_are_told(ask, {"promshm": (3, 0)}))
        accepted = self.shown()['php_fpm_accepted_connections{pool="promshm"}']
        self.assertTrue(3 <= accepted <= told["promshm"]["accepted-conn"], (accepted, told))
        self.expect({
            'php_fpm_listen_queue{pool="promshm"}': 0,
            'php_fpm_max_children_reached{pool="promshm"}': 0,
            'php_fpm_slow_requests{pool="promshm"}': 0,
        })

    def test_each_dynamic_pool_shows_its_own_children(self):
        dynamic = ("pm = dynamic", "pm.start_servers = 2", "pm.min_spare_servers = 1", "pm.max_spare_servers = 2")
        self.collect(children=2, pools=("promshm", "second"), pool_settings=dynamic)
        self.ask_until_all_are_told(lambda pool: self.ask("nothing", pool=pool), {"promshm": (1, 1), "second": (1, 1)})

    def test_pool_tells_of_its_limit_and_slow_requests_without_a_status_page(self):
        """Two children are at work for longer than the limit of the slow log, and a third request finds no child. Later
        a new child, which has not asked yet, tells."""
        log = self.folder / "slow.log"
        settings = ("pm = ondemand", "pm.process_idle_timeout = 1s", "request_slowlog_timeout = 1s", f"slowlog = {log}")
        self.collect(children=2, pool_settings=settings)
        is_told = lambda what, times=1: self.folder.joinpath("fpm-error.log").read_text().count(what) >= times
        go = self.folder / "go"
        with ThreadPoolExecutor(3) as threads:
            requests = []
            try:
                for running in (1, 2):  # of two connections at once php-fpm sees one
                    requests.append(threads.submit(self.ask, "hold", until=go))
                    self.expect({self.IN_FLIGHT: running})
                requests.append(threads.submit(self.ask, "nothing"))
                wait_until("the limit", lambda: is_told("max_children setting"))
                wait_until("two slow requests", lambda: is_told("executing too slow", 2))
            finally:
                go.touch()
            self.assertNotIn(None, [done.result() for done in requests], self.logs())
        wait_until("no child", lambda: not descendants(self.fpm.pid))
        asked = time.time()
        told = self.ask("nothing")["fpm"]
        of_pool = {
            'listen_queue{pool="promshm"}': told["listen-queue"],
            'max_children_reached{pool="promshm"}': told["max-children-reached"],
            'slow_requests{pool="promshm"}': told["slow-requests"],
            'accepted_connections{pool="promshm"}': told["accepted-conn"],
        }
        self.assertEqual(list(of_pool.values()), [0, 1, 2, 4])
        self.expect({f"php_fpm_{name}": number for name, number in of_pool.items()})
        last_read = self.samples()['php_fpm_last_read_timestamp_seconds{pool="promshm"}']
        self.assertTrue(asked - 1 <= last_read <= time.time() + 1, last_read)

    def test_queue_is_told_where_php_fpm_listens_on_a_port(self):
        """Two connections wait while the only child is at work. The next child, which serves the first of them, tells. Of a
        Unix socket's queue Linux does not tell php-fpm."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.collect(children=1, max_requests=1, port=port)
        queue = 'php_fpm_listen_queue{pool="promshm"}'
        with ThreadPoolExecutor(3) as threads:
            requests = []
            try:
                requests.append(threads.submit(self.ask, "hold", until=self.folder / "first"))
                self.expect({self.IN_FLIGHT: 1, queue: 0})
                requests += [threads.submit(self.ask, "hold", until=self.folder / "others") for _ in range(2)]
                wait_until("two connections that wait", lambda: connections_that_wait(port) == 2)
                time.sleep(2.5)  # php-fpm looks at the queue each second
                (self.folder / "first").touch()
                wait_until("the queue", lambda: self.shown()[queue] in (1, 2))
            finally:
                (self.folder / "first").touch()
                (self.folder / "others").touch()
            self.assertNotIn(None, [done.result() for done in requests], self.logs())

    def test_opcache_tells_what_its_processes_share(self):
        started = time.time()
        self.collect(children=2)
        told = self.while_held(1, self.IN_FLIGHT, lambda: self.ask("nothing"))["opcache"]
        numbers = told["opcache_statistics"]
        self.expect({
            f"php_opcache_scripts{{{SAPI}}}": 1,
            f"php_opcache_keys{{{SAPI}}}": numbers["num_cached_keys"],
            f"php_opcache_max_keys{{{SAPI}}}": numbers["max_cached_keys"],
            f"php_opcache_misses{{{SAPI}}}": numbers["misses"],
            f'php_opcache_restarts{{{SAPI},reason="manual"}}': 0,
            f'php_opcache_memory_bytes{{{SAPI},state="used"}}': told["memory_usage"]["used_memory"],
        })
        last_read = self.samples()[f"php_opcache_last_read_timestamp_seconds{{{SAPI}}}"]
        self.assertTrue(started - 1 <= last_read <= time.time() + 1, last_read)


class ObserveTest(ObservedCase):
    LIST = r'"Observed\work, Observed\act, usleep, count(Observed\other)"'
    ACT = r'function="Observed\\act"'
    WORK = r'function="Observed\\work"'
    OTHER = r'php_function_calls_total{function="Observed\\other"}'

    def observe(self, **options):
        settings = {"promshm.observe": self.LIST, **CACHE_AT_ONCE, **options.pop("settings", {})}
        self.start(settings=settings, **options)

    def calls(self, function):
        return f"php_function_duration_seconds_count{{{function}}}"

    def in_flight(self, function):
        return f"php_function_in_flight{{{function}}}"

    def errors(self, function, exception):
        return f'php_function_errors_total{{{function},exception="{exception}"}}'

    def test_calls_of_all_children_add_up_exactly(self):
        """One of them has compiled the code, and the others have it from opcache."""
        self.observe(children=4)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda number: self.ask("nothing", times=number % 5), range(100)))
        self.assertNotIn(None, answers, self.logs())
        self.assertEqual(answers[-1]["opcache"]["opcache_statistics"]["num_cached_scripts"], 1)
        self.expect({self.calls(self.WORK): 200, self.OTHER: 200, self.calls(self.ACT): 100, self.in_flight(self.ACT): 0})

    def test_functions_are_in_flight_while_they_run(self):
        self.observe(children=2)
        self.while_held(2, self.in_flight(self.ACT), lambda: None)
        self.expect({self.in_flight(self.ACT): 0, self.in_flight('function="usleep"'): 0, self.calls(self.ACT): 2})

    def test_request_that_ends_within_a_call_closes_it(self):
        self.observe()
        pids = {self.ask("nothing", times=1)["pid"]}
        for do in ("fatal", "exit", "throw", "timeout"):
            self.assertIsNone(self.ask(do))
            pids.add(self.ask("nothing", times=1)["pid"])
        self.assertEqual(len(pids), 1, self.logs())
        self.expect({
            self.calls(self.ACT): 9,
            self.in_flight(self.ACT): 0,
            self.errors(self.ACT, "fatal"): 2,
            self.errors(self.ACT, "DomainException"): 1,
            self.calls(self.WORK): 5,
            self.OTHER: 5,
        })
        # No call of one of these runs within a call of the other.
        spent = lambda function: self.shown()[f"php_function_duration_seconds_sum{{{function}}}"]
        busy = f'php_worker_busy_seconds_total{{pid="{pids.pop()}"}}'
        difference = lambda: abs(parse(dump(self.segment))[busy] - spent(self.ACT) - spent(self.WORK))
        wait_until("the busy time", lambda: difference() < 1e-6)

    def test_call_of_a_killed_child_is_not_in_flight(self):
        self.observe()
        self.assertIsNone(self.ask("kill"))
        wait_until("the next child", lambda: self.ask("nothing", times=3))
        self.expect({self.in_flight(self.ACT): 0, self.calls(self.ACT): 1, self.calls(self.WORK): 3})

    def test_call_goes_on_after_fastcgi_finish_request(self):
        self.observe()
        go = self.folder / "go"
        self.assertIsNotNone(self.ask("finish", until=go))
        self.expect({self.in_flight(self.ACT): 1})
        go.touch()
        self.expect({self.in_flight(self.ACT): 0, self.calls(self.ACT): 1, self.calls(self.WORK): 1})

    def test_code_that_opcache_compiles_anew_is_observed(self):
        self.observe(children=2)
        for times in range(3):
            self.assertIsNotNone(self.ask("reset", times=1), self.logs())
            self.assertIsNotNone(self.ask("nothing", times=2), self.logs())
        self.expect({self.calls(self.WORK): 9, self.OTHER: 9, self.calls(self.ACT): 6})

    def test_pools_share_code_and_count_for_themselves(self):
        """Each into a segment of its own, whoever has compiled the script."""
        key = self.new_key()
        self.observe(pools=("promshm", "second"))
        self.folder.joinpath("fpm.conf").write_text(
            self.folder.joinpath("fpm.conf").read_text() + f"php_admin_value[promshm.segment] = sysv:{key:#010x}\n"
        )
        self.reload()
        for pool, times in (("promshm", 1), ("second", 10), ("promshm", 2), ("second", 20)):
            self.assertIsNotNone(self.ask("nothing", pool=pool, times=times), self.logs())
        self.expect({self.calls(self.WORK): 3, self.OTHER: 3})
        second = workers_samples(dump(f"sysv:{key:#010x}"))
        self.assertEqual((second[self.calls(self.WORK)], second[self.OTHER]), (30, 30))

    def reload(self):
        """Makes the master start itself anew, as after a change of its settings."""
        ready = lambda: (self.folder / "fpm-error.log").read_text().count("ready to handle connections")
        before = ready()
        self.fpm.send(signal.SIGUSR2)
        wait_until("the reload", lambda: ready() > before)

    def test_reload_reads_a_changed_list(self):
        """Compiled code that was kept in files with the former list is not used."""
        cache = self.folder / "cache"
        cache.mkdir(mode=0o777)
        cache.chmod(0o777)
        entries = self.folder / "observed.conf"
        entries.write_text("Observed\\work\n")
        settings = {"promshm.observe": "", "promshm.observe_file": entries, "opcache.file_cache": cache}
        self.observe(settings=settings)
        self.ask("nothing", times=3)
        self.expect({self.calls(self.WORK): 3})
        self.assertTrue(list(cache.rglob("*.bin")), "nothing is in opcache's files")
        entries.write_text("count(Observed\\other)\nusleep\n")
        self.reload()
        self.ask("nothing", times=5)
        self.expect({self.OTHER: 5, self.calls(self.WORK): 3})
        entries.write_text("")
        self.reload()
        self.ask("nothing", times=7)
        self.expect({self.OTHER: 5, self.calls(self.WORK): 3})


class DashboardTest(ObservedCase):
    def test_each_expression_over_metrics_without_code_has_a_result(self):
        """A real Prometheus scrapes a php-fpm whose functions, requests, errors and pool are observed."""
        observed = r'"Observed\work, Observed\act, count(Observed\other)"'
        self.start(settings={"promshm.observe": observed, "promshm.collect": "all", **CACHE_AT_ONCE})
        prometheus = Prometheus(self, Exporter(self, self.segment).address)
        for do in ("warn", "throw", "nothing"):
            self.ask(do, times=3)
        act = r'php_function_duration_seconds_count{function="Observed\\act"}'
        wait_until("a scrape", lambda: prometheus.query(act))
        wait_until("some rates", lambda: prometheus.query(f"count_over_time({act}[1m]) > 3"))
        for do in ("warn", "throw", "nothing"):
            self.ask(do, times=3)
        prometheus.expect(act, 6, part=lambda answer: sum(answer.values()))
        asked = [each for each in dashboard_expressions() if "php_" in each]
        self.assertGreater(len(asked), 15)
        for expression in asked:
            with self.subTest(expression=expression):
                wait_until(f"a result of {expression}", lambda: prometheus.query(expression))
