"""Real requests to a real php-fpm: one MINIT, then forks; request after request in one
process; children that come and go."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import harness
from harness import dump, wait_until, workers_samples

CONFIG = """\
[global]
error_log = {folder}/fpm-error.log
daemonize = no
; Without it the master kills its children at once instead of letting them end.
process_control_timeout = 60s
"""

POOL = """\
[{name}]
listen = {listen}
listen.mode = 0666
{user}
pm = static
pm.max_children = {children}
pm.max_requests = {max_requests}
catch_workers_output = yes
{pool_settings}
"""


def fpm_binary():
    """The php-fpm that stands beside the php in use."""
    version = subprocess.run(
        [harness.PHP, "-n", "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"], capture_output=True, text=True
    ).stdout
    php = pathlib.Path(shutil.which(harness.PHP))
    for folder in (php.parent, php.parent.parent / "sbin"):
        for name in (f"php-fpm{version}", "php-fpm"):
            if (folder / name).exists():
                return folder / name
    if "PHP" in os.environ:
        raise unittest.SkipTest(f"no php-fpm was built with {php}")
    raise AssertionError("php-fpm is not installed")


class FpmCase(harness.TestCase):
    """Pools of php-fpm that serve the scripts of this folder."""

    def start(self, children=1, max_requests=0, pool_settings=(), settings=None, pools=("promshm",), port=None):
        """One pool, or several that differ by their names only; `settings` are php.ini's. With a port it listens there, and
        else on a socket in the folder."""
        self.copy(harness.EXTENSION, *pathlib.Path(__file__).parent.glob("*.php"))
        user = "user = nobody\ngroup = nogroup" if os.geteuid() == 0 else ""
        config = self.folder / "fpm.conf"
        self.addresses = {name: f"127.0.0.1:{port}" if port else str(self.folder / f"{name}.sock") for name in pools}
        pool = lambda name: POOL.format(
            name=name,
            listen=self.addresses[name],
            user=user,
            children=children,
            max_requests=max_requests,
            pool_settings="\n".join(pool_settings),
        )
        config.write_text(CONFIG.format(folder=self.folder) + "".join(map(pool, pools)))
        settings = {
            "zend_extension": "opcache",
            "extension": self.folder / harness.EXTENSION.name,
            "promshm.segment": self.segment,
            "display_errors": "0",
            **(settings or {}),
        }
        command = [fpm_binary(), "-n", "-F", "-y", config, "-d", "extension=posix"]
        for name, value in settings.items():
            command += ["-d", f"{name}={value}"]
        self.fpm = harness.Process(self, "fpm", command)
        log = self.folder / "fpm-error.log"
        is_there = lambda: log.exists() and "ready to handle connections" in log.read_text()
        wait_until("php-fpm", lambda: is_there() or self.fpm.process.poll() is not None)
        self.assertIsNone(self.fpm.process.poll(), self.fpm.output())

    def fetch(self, script, query="", uri="/", admin_values=(), method="GET", pool="promshm"):
        """One request, perhaps with settings as a web server has them for a virtual host; returns the answer's head and body."""
        environment = {
            "PATH": os.environ["PATH"],
            "REQUEST_METHOD": method,
            "REQUEST_URI": uri,
            "SCRIPT_FILENAME": str(self.folder / script),
            "QUERY_STRING": query,
            "PHP_ADMIN_VALUE": "\n".join(admin_values),
        }
        command = ["cgi-fcgi", "-bind", "-connect", self.addresses[pool]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=harness.WATCHDOG)
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        return head, body

    def request(self, do, admin_values=(), **query):
        """One request to app.php; returns the answer's JSON, or None if there was none."""
        words = "&".join(f"{name}={value}" for name, value in {"do": do, **query}.items())
        body = self.fetch("app.php", words, admin_values=admin_values)[1]
        return json.loads(body) if body.startswith("{") else None

    def samples(self):
        return workers_samples(dump(self.segment))


class FpmTest(FpmCase):
    def busy(self):
        """The gauge of children at work; None while there is no segment yet."""
        try:
            return self.samples().get("busy")
        except subprocess.CalledProcessError:
            return None

    def hold(self, children, meanwhile=lambda: None):
        """Keeps so many children at work at the same time; returns their process ids."""
        go = self.folder / "go"
        with ThreadPoolExecutor(children) as pool:
            held = [pool.submit(self.request, "hold", until=go) for _ in range(children)]
            wait_until(f"{children} busy children", lambda: self.busy() == children)
            meanwhile()
            go.touch()
            return [done.result()["pid"] for done in held]

    def exits(self):
        page = harness.parse(dump(self.segment))
        return {kind: page[f'promshm_worker_exits_total{{kind="{kind}"}}'] for kind in ("clean", "fatal", "abrupt")}

    def starts(self):
        return harness.parse(dump(self.segment))["promshm_worker_starts_total"]

    def test_the_master_attaches_nothing(self):
        """MINIT runs once, in the master: a segment made there would belong to root."""
        self.start(children=2)
        self.assertNotIn(self.key, harness.kernel_keys("shm"))
        self.assertNotIn(self.key, harness.kernel_keys("sem"))
        self.request("count", size=1)
        self.assertIn(self.key, harness.kernel_keys("shm"))
        self.assertEqual(self.starts(), 1)

    def test_totals_over_children_are_exact(self):
        self.start(children=4)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: self.request("count", size=n % 20), range(400)))
        self.assertNotIn(None, answers, self.logs())
        expected = {
            'requests_total{action="count"}': 400,
            'sizes_bucket{le="1.0"}': 40,
            'sizes_bucket{le="10.0"}': 220,
            'sizes_bucket{le="+Inf"}': 400,
            "sizes_sum": 20 * 190,
            "sizes_count": 400,
        }
        self.assertEqual(self.samples(), expected)
        page = workers_samples(self.request("render")["page"])
        self.assertEqual(page, {**expected, 'requests_total{action="render"}': 1})

    def test_concurrent_children_have_separate_slots(self):
        self.start(children=3)
        self.assertEqual(len(set(self.hold(3))), 3)
        self.assertEqual(self.starts(), 3)
        # Nobody asked for a size, and a histogram without labels shows that from its definition on.
        sizes = [*(f'sizes_bucket{{le="{bound}"}}' for bound in ("1.0", "10.0", "+Inf")), "sizes_sum", "sizes_count"]
        expected = {'requests_total{action="hold"}': 3, "busy": 0, **dict.fromkeys(sizes, 0)}
        self.assertEqual(self.samples(), expected)

    def test_request_after_request_in_one_process(self):
        self.start(children=1)
        answers = [self.request("count", size=1) for _ in range(50)]
        self.assertEqual(len({answer["pid"] for answer in answers}), 1)
        status = self.request("status")["status"]
        self.assertEqual((status["slot"], status["worker_starts"]), (1, 1))
        self.assertEqual(self.samples()['requests_total{action="count"}'], 50)

    def workers(self):
        """What each child tells of itself: by process id, then by name."""
        found = {}
        for sample, value in harness.parse(dump(self.segment)).items():
            told = re.fullmatch(r'php_worker_(\w+)\{pid="(\d+)"\}', sample)
            if told:
                found.setdefault(int(told[2]), {})[told[1]] = value
        return found

    def test_children_publish_process_metrics(self):
        started = time.time()
        self.start(children=2)
        requests = lambda: [told["requests_total"] for told in self.workers().values()]
        pids = self.hold(2, lambda: self.assertEqual(requests(), [1, 1]))
        for _ in range(20):
            self.assertIsNotNone(self.request("count", size=1), self.logs())
        # The last request may be answered before it has told of its end.
        wait_until("22 requests", lambda: sum(told["requests_total"] for told in self.workers().values()) == 22)
        workers = self.workers()
        self.assertEqual(sorted(workers), sorted(pids))
        for told in workers.values():
            self.assertGreater(told["memory_bytes"], 0)
            self.assertGreaterEqual(told["memory_peak_bytes"], told["memory_bytes"])
            self.assertGreater(told["cpu_seconds_total"], 0)
            self.assertEqual(told["gc_runs_total"], 0)
            self.assertTrue(started - 1 <= told["start_time_seconds"] <= time.time() + 1, told)

    def test_collector_runs_add_up_over_requests(self):
        """The engine counts them from 0 in each request."""
        self.start(children=1)
        answers = [self.request("collect", times=times) for times in (2, 0, 3)]
        wait_until("five runs", lambda: self.workers()[answers[0]["pid"]]["gc_runs_total"] == 5)
        self.assertEqual(sum(answer["runs"] for answer in answers), 5)

    def test_process_metrics_of_an_ended_child_are_removed(self):
        self.start(children=1)
        first = self.request("count", size=1)["pid"]
        self.request("kill")
        self.assertEqual(self.workers(), {}, "the next child has not counted yet")
        second = wait_until("the next child", lambda: self.request("count", size=1))["pid"]
        wait_until("its request", lambda: {pid: told.get("requests_total") for pid, told in self.workers().items()} == {second: 1})
        self.assertNotEqual(first, second)

    def test_pool_can_disable_process_metrics(self):
        self.start(pool_settings=["php_admin_value[promshm.runtime_metrics] = 0"])
        self.assertIsNotNone(self.request("count", size=1), self.logs())
        self.assertEqual(self.workers(), {})

    def test_request_renews_the_series_it_uses(self):
        """After a pause that hid them, in a child that knows them all and was so busy that it looks at the clock
        at some updates only."""
        self.start(pool_settings=["php_admin_value[promshm.series_ttl] = 5"])
        before = self.request("count", size=1, times=100)
        self.assertEqual(self.samples()["sizes_count"], 100)
        wait_until("hidden series", lambda: not self.samples())
        after = self.request("count", size=1)
        self.assertEqual(before["pid"], after["pid"])
        samples = self.samples()
        self.assertEqual((samples.get('requests_total{action="count"}'), samples.get("sizes_count")), (2, 101))

    def test_recycled_children_exit_cleanly_and_lose_nothing(self):
        self.start(children=1, max_requests=5)
        answers = [self.request("count", size=1) for _ in range(40)]
        self.assertEqual(len({answer["pid"] for answer in answers}), 8)
        wait_until("eight goodbyes", lambda: self.exits()["clean"] == 8)
        self.assertEqual(self.exits(), {"clean": 8, "fatal": 0, "abrupt": 0})
        self.assertEqual(self.starts(), 8)
        self.assertEqual(self.samples()['requests_total{action="count"}'], 40)

    def test_a_fatal_request_leaves_the_child_counting(self):
        self.start(children=1)
        first = self.request("count", size=1)
        self.request("fatal")
        second = self.request("count", size=1)
        self.assertEqual(first["pid"], second["pid"])
        samples = self.samples()
        self.assertEqual(samples['requests_total{action="fatal"}'], 1)
        self.assertEqual(samples['requests_total{action="count"}'], 2)
        self.fpm.stop(signal.SIGQUIT)
        self.assertEqual(self.exits(), {"clean": 1, "fatal": 0, "abrupt": 0})

    def test_a_child_whose_last_request_was_fatal_counts_as_such(self):
        self.start(children=1)
        self.request("fatal")
        self.fpm.stop(signal.SIGQUIT)
        self.assertEqual(self.exits(), {"clean": 0, "fatal": 1, "abrupt": 0})

    def test_error_of_an_earlier_request_does_not_make_the_exit_fatal(self):
        """PHP remembers the kind of a request's last error in the next one."""
        self.start(children=1)
        first = self.request("user-error")
        second = self.request("count", size=1)
        self.assertEqual((first, second is None), (None, False), self.logs())
        self.fpm.stop(signal.SIGQUIT)
        self.assertEqual(self.exits(), {"clean": 1, "fatal": 0, "abrupt": 0})

    def test_killed_child_keeps_its_counters_and_loses_its_gauge(self):
        self.start(children=1)
        self.request("count", size=1)
        self.assertIsNone(self.request("kill"))
        wait_until("the next child", lambda: self.request("count", size=1))
        self.assertEqual(self.exits(), {"clean": 0, "fatal": 0, "abrupt": 1})
        samples = self.samples()
        self.assertEqual(samples['requests_total{action="kill"}'], 1)
        self.assertEqual(samples['requests_total{action="count"}'], 2)
        self.assertEqual(samples.get("busy", 0), 0)
        self.assertEqual(self.request("status")["status"]["slot"], 1)

    def test_a_deploy_changes_a_definition_between_two_requests(self):
        """The processes stay, the code changes: that is what an opcache reset does."""
        self.start(children=1)
        before = self.request("define", label="old")
        after = self.request("define", label="new")
        self.assertIsNotNone(after, self.logs())
        self.assertEqual(before["pid"], after["pid"])
        samples = self.samples()
        self.assertEqual(samples['deployed_total{new="x"}'], 1)
        self.assertNotIn('deployed_total{old="x"}', samples)

    def test_the_example_answers_metrics_itself(self):
        self.start(children=2)
        self.copy(harness.ROOT / "examples/fpm/metrics.php")
        for _ in range(3):
            self.assertEqual(self.fetch("metrics.php", uri="/hello?a=b")[1], "Hello.\n", self.logs())
        head, page = self.fetch("metrics.php", uri="/metrics")
        self.assertIn("Content-type: text/plain; version=0.0.4; charset=utf-8", head.replace("Content-Type", "Content-type"))
        expected = {'http_requests_total{path="/hello"}': 3, 'http_requests_total{path="/metrics"}': 1}
        self.assertEqual(workers_samples(page), expected)

    def test_a_pool_may_have_settings_of_its_own(self):
        """php_admin_value reaches the child after the fork, long after the module's start."""
        key = self.key + 0x800
        self.addCleanup(subprocess.run, ["ipcrm", "-M", hex(key), "-S", hex(key)], capture_output=True)
        self.start(
            pool_settings=[
                f"php_admin_value[promshm.segment] = sysv:{key:#010x}",
                "php_admin_value[promshm.size] = 64M",
                "php_admin_value[promshm.max_series] = 50",
            ]
        )
        self.assertIsNotNone(self.request("count", size=1), self.logs())
        self.assertIn(key, harness.kernel_keys("shm"))
        self.assertNotIn(self.key, harness.kernel_keys("shm"))
        status = self.request("status")["status"]
        self.assertEqual((status["segment"], status["reserved_bytes"]), (f"sysv:{key:#010x}", 64 << 20))
        self.assertEqual(status["max_series"], 50)

    def other_segments(self, number):
        """Names of further segments, which are removed at the end."""
        keys = [self.key + 0x800 * (1 + n) for n in range(number)]
        for key in keys:
            self.addCleanup(subprocess.run, ["ipcrm", "-M", hex(key), "-S", hex(key)], capture_output=True)
        return [f"sysv:{key:#010x}" for key in keys]

    def test_each_request_counts_into_the_segment_of_its_virtual_host(self):
        """One child serves several hosts by turns, as under Apache with php_admin_value."""
        self.start(children=1)
        hosts = self.other_segments(2)
        settings = {host: ["promshm.enabled=1", f"promshm.segment={host}"] for host in hosts}
        pids = set()
        for turn in range(10):
            for host in hosts:
                answer = self.request("count", settings[host], size=1)
                pids.add(answer["pid"])
                status = self.request("status", settings[host])["status"]
                self.assertEqual((status["segment"], status["attached"], status["slot"]), (host, True, 1))
        self.assertEqual(len(pids), 1)
        for host in hosts:
            page = harness.parse(dump(host))
            samples = workers_samples(dump(host))
            self.assertEqual(samples['requests_total{action="count"}'], 10)
            self.assertEqual(samples["sizes_count"], 10)
            self.assertEqual(page["promshm_worker_starts_total"], 1, "it stays attached while it serves others")
        self.assertNotIn(self.key, harness.kernel_keys("shm"))
        self.fpm.stop(signal.SIGQUIT)
        for host in hosts:
            page = harness.parse(dump(host))
            exits = [page[f'promshm_worker_exits_total{{kind="{kind}"}}'] for kind in ("clean", "fatal", "abrupt")]
            self.assertEqual(exits, [1, 0, 0])

    def test_series_remembered_for_one_virtual_host_is_not_taken_for_another(self):
        """A handler knows its series by arrays and strings, which are the same for each host: opcache keeps them."""
        self.start(children=1)
        hosts = self.other_segments(2)
        settings = [["promshm.enabled=1", f"promshm.segment={host}"] for host in hosts]
        turns = [settings[0], settings[0], settings[1], ["promshm.enabled=0"], settings[0], settings[1], settings[1], settings[0]]
        pids = {self.request("forms", turn)["pid"] for turn in turns}
        self.assertEqual(len(pids), 1)
        each = {"literal": 20, "literal keys": 40, "list": 60, "keyed": 80, "bound": 100}
        for host, requests in zip(hosts, (4, 3)):
            samples = workers_samples(dump(host))
            forms = {form: samples[f'forms_total{{form="{form}",code="200"}}'] for form in each}
            self.assertEqual(forms, {form: requests * count for form, count in each.items()})

    def test_host_with_metrics_disabled_creates_no_segment(self):
        self.start(children=1)
        [host] = self.other_segments(1)
        on, off = ["promshm.enabled=1", f"promshm.segment={host}"], ["promshm.enabled=0"]
        first = self.request("count", on, size=1)
        for _ in range(3):
            self.request("count", off, size=1)
            self.assertEqual(self.request("render", off)["page"], "")
            status = self.request("status", off)["status"]
            self.assertEqual((status["enabled"], status["attached"], status["slot"]), (False, False, None))
            self.request("wipe", off)
        last = self.request("count", on, size=1)
        self.assertEqual(first["pid"], last["pid"])
        self.assertEqual(workers_samples(dump(host))['requests_total{action="count"}'], 2)
        self.assertEqual(harness.parse(dump(host))["promshm_worker_starts_total"], 1)

    def test_child_of_many_hosts_exits_cleanly_from_each(self):
        """It stays attached to 16 segments; whose slot it gives back for another has no crash."""
        self.start(children=1)
        hosts = self.other_segments(20)
        for turn in range(3):
            for host in hosts:
                self.assertIsNotNone(self.request("count", [f"promshm.segment={host}", "promshm.size=2M", "promshm.max_series=100"], size=1))
        for host in hosts:
            page = harness.parse(dump(host))
            self.assertEqual(workers_samples(dump(host))['requests_total{action="count"}'], 3)
            self.assertEqual(page['promshm_worker_exits_total{kind="abrupt"}'], 0)
            self.assertEqual(page["promshm_worker_starts_total"], 3)

    def test_host_with_an_unusable_segment_does_not_affect_others(self):
        self.start(children=1)
        [good, bad] = self.other_segments(2)
        made = subprocess.run([harness.PHP, "-r", f'shmop_open({int(bad[5:], 16)}, "n", 0600, 8192);'], capture_output=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        for _ in range(3):
            refused = self.request("status", [f"promshm.segment={bad}"])["status"]
            self.assertFalse(refused["attached"])
            self.assertIn(bad, refused["error"])
            counted = self.request("status", [f"promshm.segment={good}"])["status"]
            self.assertEqual((counted["attached"], counted["error"]), (True, None))
        self.assertEqual(workers_samples(dump(good))['requests_total{action="status"}'], 3)

    def test_a_graceful_stop_is_a_clean_exit_of_each_child(self):
        self.start(children=2)
        self.hold(2)
        self.fpm.stop(signal.SIGQUIT)
        self.assertEqual(self.exits(), {"clean": 2, "fatal": 0, "abrupt": 0})
