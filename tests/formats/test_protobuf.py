"""The page in Prometheus's protobuf format, as Python's protobuf and a real Prometheus understand it. What the worker
counts is the same as for the text formats."""

import gzip
import math
import pathlib
import subprocess
import time

import harness
import metric_family
import prometheus_client.parser
import test_formats as formats
from harness import ask, series, wait_until
from proxy import Proxy

ACCEPT = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
CONTENT_TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
EXPECTED = formats.EXPECTED | formats.ONLY_TEXT
# Any counter may have one here.
EXEMPLARS = formats.EXEMPLARS | {"plain{}": ({"trace_id": "not shown"}, 42)}
GOLDEN = pathlib.Path(__file__).parents[2] / "exposition/tests/golden"


def told(families, end=0):
    """The samples by series; no series may stand twice."""
    found = [(series(name, labels), value) for name, labels, value, _ in metric_family.samples(families, end)]
    assert len(dict(found)) == len(found), "a series stands twice"
    return dict(found)


def exemplars(families):
    found = metric_family.samples(families)
    return {series(name, labels): exemplar for name, labels, _, exemplar in found if exemplar is not None}


class ProtobufTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        command = harness.php(self.segment, pathlib.Path(__file__).parent / "worker.php")
        self.worker = harness.Process(self, "worker", command, stdin=subprocess.PIPE)
        self.worker.wait_for("counted")
        self.exporter = harness.Exporter(self, self.segment)

    def page(self, path="/metrics", **headers):
        answer = ask(self.exporter.address, path, {"Accept": ACCEPT, **headers})
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, CONTENT_TYPE))
        return answer.body

    def families(self, path="/metrics"):
        found = metric_family.families(self.page(path))
        names = [family.name for family in found]
        self.assertEqual(len(set(names)), len(names), "each family is one message")
        return found

    def test_pythons_protobuf_reads_what_was_counted(self):
        samples = told(self.families())
        self.assertEqual(formats.workers_part(samples), EXPECTED)
        self.assertTrue(math.isnan(samples["level_nan{}"]))
        self.assertEqual(samples[f'open{{pid="{self.worker.process.pid}"}}'], 7)
        self.assertEqual(samples["promshm_up{}"], 1)
        self.assertEqual(samples['promshm_dropped_total{reason="corrupt"}'], 0)
        self.assertGreater(samples["process_resident_memory_bytes{}"], 0)

    def test_types_units_and_help(self):
        families = {family.name: family for family in self.families()}
        names = {number: name for name, number in metric_family.TYPES.items()}
        about = {name: (names[family.type], family.unit) for name, family in families.items()}
        expected = {
            "jobs_total": ("COUNTER", ""),
            "cpu_seconds_total": ("COUNTER", "seconds"),
            "plain": ("COUNTER", ""),
            "numbers": ("GAUGE", ""),
            "job_seconds": ("HISTOGRAM", "seconds"),
            "job_bytes": ("SUMMARY", "bytes"),
            "process_cpu_seconds_total": ("COUNTER", "seconds"),
            "promshm_segment_used_bytes": ("GAUGE", "bytes"),
        }
        self.assertEqual({name: about.get(name) for name in expected}, expected)
        self.assertEqual(families["jobs_total"].help, 'Jobs "done",\nby class \\ queue.')

    def test_exemplars(self):
        found = exemplars(self.families())
        labels = {name: {pair.name: pair.value for pair in each.label} for name, each in found.items()}
        self.assertEqual({name: (labels[name], each.value) for name, each in found.items()}, EXEMPLARS)
        for each in found.values():
            stamp = each.timestamp.seconds + each.timestamp.nanos / 1e9
            self.assertAlmostEqual(stamp, time.time(), delta=harness.WATCHDOG)

    def test_counters_histograms_and_summaries_tell_when_they_began(self):
        families = [family for family in self.families() if not family.name.startswith(harness.OWN)]
        gauges = metric_family.TYPES["GAUGE"]
        self.assertEqual(len({family.type for family in families}), 4)
        for family in families:
            for metric in family.metric:
                created = metric_family.created(metric)
                if family.type == gauges:
                    self.assertIsNone(created, family.name)
                else:
                    self.assertAlmostEqual(created, time.time(), delta=harness.WATCHDOG, msg=family.name)

    def test_gzip_head_and_chosen_names(self):
        query = "/metrics?name[]=jobs_total&name[]=numbers"
        plain = self.page(query)
        self.assertEqual([family.name for family in metric_family.families(plain)], ["jobs_total", "numbers"])
        zipped = ask(self.exporter.address, query, {"Accept": ACCEPT, "Accept-Encoding": "gzip"})
        self.assertEqual(zipped.getheader("Content-Encoding"), "gzip")
        self.assertEqual(gzip.decompress(zipped.body), plain)
        head = ask(self.exporter.address, query, {"Accept": ACCEPT}, "HEAD")
        self.assertEqual((head.body, head.getheader("Content-Type")), (b"", CONTENT_TYPE))
        self.assertEqual(head.getheader("Vary"), "Accept, Accept-Encoding")
        self.assertEqual(self.page("/metrics?name[]=absent"), b"")

    def test_dump_writes_protobuf(self):
        dump = [harness.EXPORTER, "dump", "--segment", self.segment, "--format", "protobuf"]
        page = subprocess.run(dump, capture_output=True, check=True).stdout
        self.assertEqual(formats.workers_part(told(metric_family.families(page))), EXPECTED)

    def test_prometheus_2_with_native_histograms_asks_for_it_and_stores_the_same(self):
        """This Prometheus weighs all formats alike, and names protobuf first."""
        self.assert_scraped("prometheus")

    def test_prometheus_3_with_native_histograms_asks_for_it_and_stores_the_same(self):
        self.assert_scraped(harness.prometheus_3())

    def assert_scraped(self, program):
        proxy = Proxy(self, self.exporter.address)
        flags = ["--enable-feature=native-histograms,exemplar-storage"]
        prometheus = harness.Prometheus(self, proxy.address, flags=flags, program=program)
        prometheus.expect('{job="promshm"}', EXPECTED, formats.workers_part)
        prometheus.expect("level_nan", ["level_nan{}"], lambda answer: [name for name in answer if math.isnan(answer[name])])
        prometheus.expect_health()
        self.assertEqual((proxy.content_types, proxy.encodings), ({CONTENT_TYPE}, {"gzip"}))
        metadata = {each["metric"]: each for each in prometheus.api("targets/metadata")}
        self.assertEqual(metadata["cpu_seconds_total"]["type"], "counter")
        self.assertEqual(metadata["job_seconds"]["type"], "histogram")
        wait_until("the exemplars", lambda: len(formats.exemplars(prometheus)) == len(EXEMPLARS))
        stored = formats.exemplars(prometheus)
        self.assertEqual({name: each[0][:2] for name, each in stored.items()}, EXEMPLARS)
        self.assertEqual({len(each) for each in stored.values()}, {1}, "the same one in each scrape")

    def test_segments_with_names_share_a_familys_message(self):
        words = ["--segment", f"one={self.segment}"]
        other = f"sysv:{self.new_key():#010x}"
        other_worker = harness.Process(
            self, "other worker", harness.php(other, pathlib.Path(__file__).parent / "worker.php"), stdin=subprocess.PIPE
        )
        other_worker.wait_for("counted")
        self.exporter = harness.Exporter(self, f"two={other}", words=words)
        found = {family.name: family for family in self.families()}
        segments = [pair.value for metric in found["plain"].metric for pair in metric.label if pair.name == "segment"]
        self.assertEqual(sorted(segments), ["one", "two"])


class GoldenTest(harness.TestCase):
    def test_golden_page_is_read_as_the_golden_text(self):
        """But for the exemplars and the times at which series began, which that text has not."""
        families = metric_family.families(bytes.fromhex((GOLDEN / "protobuf.txt").read_text()))
        text = prometheus_client.parser.text_string_to_metric_families((GOLDEN / "text-0.0.4.txt").read_text())
        expected = {series(s.name, s.labels): repr(s.value + 0.0) for family in text for s in family.samples}
        expected["plain{}"] = expected.pop("plain_total{}")  # this parser gives each counter an ending
        # That parser reads -0 as 0.
        found = {name: repr(value + 0.0) for name, value in told(families, end=4.0).items()}
        self.assertGreater(len(found), 60)
        self.assertEqual(found, expected)
        self.assertEqual(len(exemplars(families)), 5)

    def test_native_histograms_of_the_golden_page(self):
        """What the classic form does not tell."""
        families = metric_family.families(bytes.fromhex((GOLDEN / "protobuf.txt").read_text()))
        (family,) = (family for family in families if family.name == "native_seconds")
        rows = {metric.label[0].value: metric for metric in family.metric}
        infinite = metric_family.infinite_index(1)
        window = {-3: 1, -2: 300, 2: 2}
        expected = {
            "all": (3, {infinite: 5}, {**window, infinite: 4}),
            "empty": (0, {}, {}),
            "nan": (0, {}, window),
            "negative": (0, {infinite: 1}, {}),
        }
        found = {of: (row.histogram.zero_count, *metric_family.native_buckets(row.histogram)) for of, row in rows.items()}
        self.assertEqual(found, expected)
        self.assertEqual({(row.histogram.schema, row.histogram.zero_threshold) for row in rows.values()}, {(1, 0.25)})
        self.assertEqual(rows["nan"].histogram.sample_count, 309)
        self.assertEqual(len(rows["empty"].histogram.positive_span), 1, "it tells that it is native")
        self.assertAlmostEqual(metric_family.created(rows["all"]), 1_520_430_000.123)
        marks = [(each.label[0].value, each.value) for each in rows["all"].histogram.exemplars]
        self.assertEqual(sorted(marks), [("above", 1e6), ("later", 0.3), ("older", 0.4)])
        times = {each.timestamp.seconds for each in rows["all"].histogram.exemplars}
        self.assertEqual(times, {1_520_879_607, 1_520_879_608, 1_520_879_609})
