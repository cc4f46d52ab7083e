"""The page in each format, as the programs that will read it understand it: Python's
prometheus_client, promtool, and a real Prometheus."""

import gzip
import math
import pathlib
import re
import subprocess
import sys
import time

import harness
from harness import ask, series, wait_until
from proxy import Proxy

try:
    import prometheus_client.openmetrics.parser
    import prometheus_client.parser
except ImportError:
    sys.exit("formats: please install Python's prometheus_client: pip install prometheus_client")

TEXT = "text/plain;version=0.0.4"
TEXT_1 = "text/plain;version=1.0.0;escaping=allow-utf-8"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
CONTENT_TYPES = {
    TEXT: "text/plain; version=0.0.4; charset=utf-8",
    TEXT_1: "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
    OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}

# The latest exemplar of each counter and bucket: its labels and its value.
TRACE = {"trace_id": 'a "trace",\n\\ ünlike others', "span_id": "7"}
EXEMPLARS = {
    'jobs_total{queue="mail"}': (TRACE, 0.1),
    'job_seconds_bucket{le="0.005",queue="mail"}': ({"trace_id": "first"}, 0.001),
    'job_seconds_bucket{le="1.0",queue="mail"}': ({"trace_id": "third"}, 1),
    'job_seconds_bucket{le="+Inf",queue="mail"}': ({"trace_id": "last"}, 1e7),
}

# What the worker has counted, without the metrics that stand in some formats only.
LABELS = '{class="App\\Job\\"Mail"",queue="größe ✓\n2"}'
EXPECTED = {
    f"jobs_total{LABELS}": 3,
    'jobs_total{queue="mail"}': 0.1,
    "cpu_seconds_total{}": 12.5,
    "plain{}": 42,
    'numbers{kind="zero"}': 0,
    'numbers{kind="negative"}': -2.5,
    'numbers{kind="large"}': 1e20,
    'numbers{kind="larger"}': 1e21,
    'numbers{kind="tiny"}': 5e-324,
    'numbers{kind="third"}': 1 / 3,
    'numbers{kind="inf"}': math.inf,
    'numbers{kind="minus_inf"}': -math.inf,
    'job_seconds_bucket{le="0.005",queue="mail"}': 1,
    'job_seconds_bucket{le="1.0",queue="mail"}': 3,
    'job_seconds_bucket{le="1e+06",queue="mail"}': 4,
    'job_seconds_bucket{le="+Inf",queue="mail"}': 5,
    'job_seconds_sum{queue="mail"}': 10000008.501,
    'job_seconds_count{queue="mail"}': 5,
    'job_bytes{quantile="0.5",queue="mail"}': 2,
    'job_bytes{quantile="0.9",queue="mail"}': 4,
    'job_bytes_sum{queue="mail"}': 10,
    'job_bytes_count{queue="mail"}': 4,
    "drift_celsius_count{}": 1,
    'degrees_celsius_bucket{le="-1.0"}': 1,
    'degrees_celsius_bucket{le="1.0"}': 1,
    'degrees_celsius_bucket{le="+Inf"}': 2,
    "clash{}": 1,
}
ONLY_TEXT = {
    "degrees_celsius_sum{}": -88.5,
    "degrees_celsius_count{}": 2,
    'drift_celsius{quantile="0.5"}': -2,
    "drift_celsius_sum{}": -2,
    "clash_total{}": 1,
}
# What tells when it was made, if OpenMetrics is asked to.
CREATED = {
    f"jobs_created{LABELS}",
    'jobs_created{queue="mail"}',
    "cpu_seconds_created{}",
    'job_seconds_created{queue="mail"}',
    'job_bytes_created{queue="mail"}',
    "drift_celsius_created{}",
    "degrees_celsius_created{}",
}
EXPECTED_IN = {TEXT: EXPECTED | ONLY_TEXT, TEXT_1: EXPECTED | ONLY_TEXT, OPENMETRICS: EXPECTED}
PROMETHEUS_OWN = ("scrape_", "up{")


def workers_part(samples):
    """Without what exporter, workers and Prometheus say of themselves, and what no test can foretell:
    the number of a process, and NaN, which equals nothing."""
    others = (*harness.OWN, *PROMETHEUS_OWN, "open{", "level_nan{")
    return {name: value for name, value in samples.items() if not name.startswith(others)}


def exemplars(prometheus):
    """Labels, value and time of each exemplar, by series."""
    span = {"start": time.time() - 3600, "end": time.time() + 3600}
    found = {}
    for name in {name.partition("{")[0] for name in EXEMPLARS} | {"plain"}:
        for each in prometheus.api("query_exemplars", query=name, **span):
            labels = each["seriesLabels"]
            of = series(name, {key: labels[key] for key in labels if key not in ("__name__", "job", "instance")})
            found[of] = [(unescaped(one["labels"]), float(one["value"]), one["timestamp"]) for one in each["exemplars"]]
    return found


def unescaped(labels):
    """An exemplar's labels: Prometheus 2 keeps their escapes as they are written."""
    escapes = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
    return {name: re.sub(r'\\[n"\\]', lambda found: escapes[found[0]], value) for name, value in labels.items()}


class FormatsTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        command = harness.php(self.segment, pathlib.Path(__file__).parent / "worker.php")
        self.worker = harness.Process(self, "worker", command, stdin=subprocess.PIPE)
        self.worker.wait_for("counted")
        self.exporter = harness.Exporter(self, self.segment)

    def page(self, accept, path="/metrics"):
        answer = ask(self.exporter.address, path, {"Accept": accept})
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, CONTENT_TYPES[accept]))
        return answer.body.decode()

    def families(self, accept):
        """The page as prometheus_client reads it."""
        openmetrics = accept == OPENMETRICS
        parser = prometheus_client.openmetrics.parser if openmetrics else prometheus_client.parser
        return list(parser.text_string_to_metric_families(self.page(accept)))

    def samples(self, accept):
        """The samples in it, by series; no series may stand twice."""
        found = [(series(s.name, s.labels), s.value) for family in self.families(accept) for s in family.samples]
        self.assertEqual(len(dict(found)), len(found))
        return dict(found)

    def test_pythons_parsers_read_what_was_counted(self):
        for accept, expected in EXPECTED_IN.items():
            with self.subTest(accept):
                samples = self.samples(accept)
                if accept != OPENMETRICS:  # in text, this parser gives each counter an ending
                    samples["plain{}"] = samples.pop("plain_total{}")
                self.assertEqual(workers_part(samples), expected)
                self.assertTrue(math.isnan(samples["level_nan{}"]))
                self.assertEqual(samples["promshm_up{}"], 1)
                self.assertEqual(samples['promshm_dropped_total{reason="corrupt"}'], 0)
                self.assertGreater(samples["process_resident_memory_bytes{}"], 0)

    def test_openmetrics_types_units_and_help(self):
        families = {family.name: family for family in self.families(OPENMETRICS)}
        about = {name: (family.type, family.unit) for name, family in families.items()}
        expected = {
            "jobs": ("counter", ""),
            "cpu_seconds": ("counter", "seconds"),
            "plain": ("unknown", ""),
            "numbers": ("gauge", ""),
            "job_seconds": ("histogram", "seconds"),
            "degrees_celsius": ("histogram", "celsius"),
            "job_bytes": ("summary", "bytes"),
            "process_cpu_seconds": ("counter", "seconds"),
            "promshm_segment_used_bytes": ("gauge", "bytes"),
            "promshm_dropped": ("counter", ""),
        }
        self.assertEqual({name: about.get(name) for name in expected}, expected)
        self.assertEqual(families["jobs"].documentation, 'Jobs "done",\nby class \\ queue.')
        page = self.page(OPENMETRICS)
        self.assertTrue(page.endswith("\n# EOF\n"))
        self.assertNotIn("_created", page)

    def test_openmetrics_has_created_times_if_requested(self):
        """Python's parser and a real Prometheus take these lines, and nothing else changes."""
        before = self.samples(OPENMETRICS)
        self.exporter = harness.Exporter(self, self.segment, words=["--openmetrics.created"])
        samples = self.samples(OPENMETRICS)
        made = {name: value for name, value in samples.items() if "_created{" in name}
        self.assertEqual({name for name in made if not name.startswith(harness.OWN)}, CREATED)
        pid = self.worker.process.pid
        workers = {f'php_worker_{name}_created{{pid="{pid}"}}' for name in ("cpu_seconds", "gc_runs", "requests")}
        self.assertEqual({name for name in made if name.startswith(harness.OWN)}, workers)
        for name, value in made.items():
            self.assertAlmostEqual(value, time.time(), delta=harness.WATCHDOG, msg=name)
        others = {name: value for name, value in samples.items() if name not in made}
        self.assertEqual(workers_part(others), workers_part(before))
        for accept in (TEXT, TEXT_1):
            self.assertNotIn("_created", self.page(accept))
        self.scraped(None, EXPECTED | {name: made[name] for name in CREATED})

    def test_dump_has_created_times_if_requested(self):
        dump = [harness.EXPORTER, "dump", "--segment", self.segment, "--format", "openmetrics"]
        plain, told = (
            subprocess.run([*dump, *words], capture_output=True, text=True, check=True).stdout
            for words in ([], ["--openmetrics.created"])
        )
        self.assertNotIn("_created", plain)
        families = prometheus_client.openmetrics.parser.text_string_to_metric_families(told)
        made = {series(s.name, s.labels) for family in families for s in family.samples if s.name.endswith("_created")}
        self.assertEqual({name for name in made if not name.startswith(harness.OWN)}, CREATED)

    def test_formats_hold_the_same_families(self):
        lines = {accept: self.page(accept).splitlines() for accept in CONTENT_TYPES}
        names = {accept: {line.split(" ")[0] for line in page if line[0] != "#"} for accept, page in lines.items()}
        self.assertEqual(names[TEXT], names[TEXT_1])
        self.assertEqual(names[TEXT] - names[OPENMETRICS], {name.removesuffix("{}") for name in ONLY_TEXT})
        self.assertEqual(names[OPENMETRICS] - names[TEXT], set())

    def test_pythons_parser_reads_exemplars(self):
        samples = [sample for family in self.families(OPENMETRICS) for sample in family.samples if sample.exemplar]
        found = {series(s.name, s.labels): (s.exemplar.labels, s.exemplar.value) for s in samples}
        self.assertEqual(found, EXEMPLARS)
        for sample in samples:
            self.assertAlmostEqual(float(sample.exemplar.timestamp), time.time(), delta=harness.WATCHDOG)
        self.assertRegex(self.page(OPENMETRICS), r'\{trace_id="third"\} 1 \d{10}(\.\d{1,3})?\n')

    def test_text_has_no_exemplars(self):
        for accept in (TEXT, TEXT_1):
            self.assertNotIn("trace_id", self.page(accept))

    def test_name_conflict_is_logged_once(self):
        for _ in range(3):
            self.page(OPENMETRICS)
        self.exporter.stop()
        self.assertEqual(self.exporter.output().count("metric=clash_total"), 1, self.exporter.output())

    def test_promtool_accepts_the_text(self):
        """Except for names that were chosen to be awkward."""
        for accept in (TEXT, TEXT_1):
            done = subprocess.run(
                ["promtool", "check", "metrics"], input=self.page(accept), capture_output=True, text=True
            )
            complaints = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("plain ")]
            self.assertEqual(complaints, [])
            self.assertIn(done.returncode, (0, 3), done.stderr)  # 3: style only
            broken = subprocess.run(["promtool", "check", "metrics"], input="jobs {", capture_output=True, text=True)
            self.assertEqual(broken.returncode, 1, "promtool judges")

    def test_names_choose_families(self):
        for accept, lines in {TEXT: 3, TEXT_1: 3, OPENMETRICS: 5}.items():
            page = self.page(accept, "/metrics?name%5B%5D=cpu_seconds_total")
            self.assertEqual(page.count("\n"), lines, page)
            self.assertIn("\ncpu_seconds_total 12.5\n", page)
            page = self.page(accept, "/metrics?name[]=job_seconds&name[]=promshm_up&name[]=absent")
            self.assertEqual(page.count("# TYPE"), 2, page)
        self.assertEqual(self.page(OPENMETRICS, "/metrics?name[]=absent"), "# EOF\n")

    def test_gzip_and_head(self):
        query = "/metrics?name[]=jobs_total&name[]=numbers"  # what does not change from page to page
        for accept in CONTENT_TYPES:
            plain = ask(self.exporter.address, query, {"Accept": accept})
            zipped = ask(self.exporter.address, query, {"Accept": accept, "Accept-Encoding": "gzip"})
            self.assertEqual(zipped.getheader("Content-Encoding"), "gzip")
            self.assertIsNone(plain.getheader("Content-Encoding"))
            self.assertEqual(gzip.decompress(zipped.body), plain.body)
            self.assertLess(len(zipped.body), len(plain.body))
            refused = ask(self.exporter.address, query, {"Accept": accept, "Accept-Encoding": "gzip;q=0, *"})
            self.assertEqual(refused.body, plain.body)
            for get, headers in ((plain, {}), (zipped, {"Accept-Encoding": "gzip"})):
                head = ask(self.exporter.address, query, {"Accept": accept, **headers}, "HEAD")
                self.assertEqual(head.body, b"")
                for name in ("Content-Type", "Content-Encoding", "Content-Length", "Vary"):
                    self.assertEqual(head.getheader(name), get.getheader(name), name)
                self.assertEqual(head.getheader("Vary"), "Accept, Accept-Encoding")

    def test_request_without_accept_header_gets_text(self):
        for headers in ({}, {"Accept": "image/png"}, {"Accept": "*/*"}):
            answer = ask(self.exporter.address, headers=headers)
            self.assertEqual(answer.getheader("Content-Type"), CONTENT_TYPES[TEXT])

    def test_page_after_the_timeout_is_503(self):
        answer = ask(self.exporter.address, headers={"X-Prometheus-Scrape-Timeout-Seconds": "0.000000001"})
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (503, "text/plain; charset=utf-8"))
        self.assertTrue(answer.body.startswith(b"503: "))

    def scraped(self, accept, expected):
        proxy = Proxy(self, self.exporter.address, accept)
        prometheus = harness.Prometheus(self, proxy.address)
        prometheus.expect('{job="promshm"}', expected, workers_part)
        prometheus.expect("level_nan", ["level_nan{}"], lambda answer: [name for name in answer if math.isnan(answer[name])])
        prometheus.expect_health()
        self.assertEqual(proxy.encodings, {"gzip"})
        metadata = {each["metric"]: each for each in prometheus.api("targets/metadata")}
        return proxy.content_types, metadata

    def test_prometheus_requests_openmetrics_by_default(self):
        types, metadata = self.scraped(None, EXPECTED)
        # Prometheus 3 asks for names in UTF-8 besides, and the answer says so.
        self.assertEqual({each.removesuffix("; escaping=allow-utf-8") for each in types}, {CONTENT_TYPES[OPENMETRICS]})
        self.assertEqual((metadata["cpu_seconds"]["type"], metadata["cpu_seconds"]["unit"]), ("counter", "seconds"))
        self.assertEqual(metadata["plain"]["type"], "unknown")

    def test_prometheus_stores_exemplars(self):
        prometheus = harness.Prometheus(self, self.exporter.address, flags=["--enable-feature=exemplar-storage"])
        wait_until("the exemplars in Prometheus", lambda: len(exemplars(prometheus)) == len(EXEMPLARS))
        found = exemplars(prometheus)
        self.assertEqual({name: each[0][:2] for name, each in found.items()}, EXEMPLARS)
        self.assertEqual({len(each) for each in found.values()}, {1}, "the same one in each scrape")
        for ((_, _, timestamp),) in found.values():
            self.assertAlmostEqual(timestamp, time.time(), delta=harness.WATCHDOG)
        prometheus.expect_health()

    def test_prometheus_reads_text_0_0_4(self):
        self.assert_text_is_scraped(TEXT)

    def test_prometheus_reads_text_1_0_0(self):
        self.assert_text_is_scraped(TEXT_1)

    def assert_text_is_scraped(self, accept):
        types, metadata = self.scraped(accept, EXPECTED_IN[accept])
        self.assertEqual(types, {CONTENT_TYPES[accept]})
        self.assertEqual(metadata["cpu_seconds_total"]["type"], "counter")
