"""Native histograms of several processes, as Python's protobuf and two real Prometheus understand them: quantiles are held
against the numbers that were observed."""

import json
import math
import pathlib
import random
import re
import signal

import harness
import metric_family
import pytest
import test_protobuf
import yaml
from harness import ask, wait_until
from proxy import Proxy

WORKERS = 8
SCRIPT = pathlib.Path(__file__).parent / "native.php"
FLAGS = ["--enable-feature=native-histograms,exemplar-storage"]
QUANTILES = (0.5, 0.9, 0.95, 0.99)
# Every `Histogram` is recorded in both forms.
BOTH = ["promshm.native_histograms=1"]
DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
# What one bucket's end exceeds the one before by, at the usual factor of 1.1: schema 3. A classic one is twice as large.
NATIVE, CLASSIC = 2**0.125, 2
# Values that are in no bucket of the window, or in none at all. Minus infinity and infinity have no sum.
ODD = ["0", "1e-9", "-1e-9", "-3", "70000", "1e300", "inf", "nan"]

pytestmark = pytest.mark.usefixtures("ipc_namespace")


@pytest.fixture(params=["prometheus 2", "prometheus 3"])
def program(request):
    return "prometheus" if request.param == "prometheus 2" else harness.prometheus_3()


def distributions():
    """Numbers of each kind, the same at each run."""
    dice = random.Random(20)
    bimodal = [dice.gauss(0.02, 0.002) if dice.random() < 0.7 else dice.gauss(2, 0.2) for _ in range(8000)]
    return {
        "lognormal": [dice.lognormvariate(-3, 1) for _ in range(8000)],
        "bimodal": [max(value, 0.001) for value in bimodal],
        "constant": [0.137] * 4000,
    }


def counted(context, values, words=(), settings=()):
    """Eight workers, each of which has observed its part of the values."""
    lines = [f"{of} {value!r}" for of, numbers in values.items() for value in numbers]
    workers = []
    for number in range(WORKERS):
        part = context.folder / f"values-{number}"
        part.write_text("".join(f"{line}\n" for line in lines[number::WORKERS]))
        workers.append(harness.Worker(context, context.segment, SCRIPT, part, *words, settings=settings))
    for worker in workers:
        worker.wait_for("counted")
    return workers


def quantile(numbers, q):
    """The number at that rank, as Prometheus counts ranks: q of all are not above it."""
    return sorted(numbers)[max(math.ceil(q * len(numbers)), 1) - 1]


def assert_quantiles(prometheus, values, expression, factor):
    for q in QUANTILES:
        found = prometheus.query(f"histogram_quantile({q}, {expression})")
        for of, numbers in values.items():
            estimate, truth = found[f'{{of="{of}"}}'], quantile(numbers, q)
            # One of two neighbouring ranks may be in the next bucket.
            assert truth / factor * 0.999 <= estimate <= truth * factor * 1.001, f"{of}, {q}: {estimate} of {truth}"


def counts(prometheus):
    return prometheus.query("histogram_count(sum by (of) (native_seconds))")


def assert_native_form(prometheus, values):
    expected = {f'{{of="{of}"}}': len(numbers) for of, numbers in values.items()}
    wait_until("all observations", lambda: counts(prometheus) == expected)
    assert_quantiles(prometheus, values, "sum by (of) (native_seconds)", NATIVE)
    sums = prometheus.query("histogram_sum(native_seconds)")
    for of, numbers in values.items():
        assert math.isclose(sums[f'{{of="{of}"}}'], math.fsum(numbers), rel_tol=1e-12), of


def test_quantiles_are_within_the_factor_of_what_eight_workers_observed(context, exporter, program):
    values = distributions()
    workers = counted(context, values)
    for worker in workers[::2]:
        worker.stop(signal.SIGKILL)
    proxy = Proxy(context, exporter.address)
    prometheus = harness.Prometheus(context, proxy.address, flags=FLAGS, program=program)
    assert_native_form(prometheus, values)
    prometheus.expect_health()
    assert proxy.content_types == {test_protobuf.CONTENT_TYPE}


def test_prometheus_without_native_histograms_gets_classic_ones(context, exporter):
    values = distributions()
    counted(context, values)
    prometheus = harness.Prometheus(context, exporter.address)
    expected = {f'native_seconds_count{{of="{of}"}}': len(numbers) for of, numbers in values.items()}
    prometheus.expect("native_seconds_count", expected)
    assert_quantiles(prometheus, values, "sum by (of, le) (native_seconds_bucket)", CLASSIC)


def test_odd_values_are_counted_and_cost_no_scrape(context, exporter, program):
    counted(context, {"odd": map(float, ODD), "negative": [-1.0, -2.0], "huge": [math.inf, -math.inf]})
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS, program=program)
    expected = {'{of="odd"}': len(ODD), '{of="negative"}': 2, '{of="huge"}': 2}
    wait_until("all observations", lambda: counts(prometheus) == expected)
    prometheus.expect_health()
    found = prometheus.query("histogram_quantile(0.99, native_seconds)")
    assert found['{of="huge"}'] == math.inf or found['{of="huge"}'] > 1e300


def assert_classic_form(prometheus, values):
    expected = {
        (of, bound): sum(number <= bound for number in numbers)
        for of, numbers in values.items()
        for bound in [*DEFAULT_BOUNDS, math.inf]
    }

    def found():
        buckets = prometheus.api("query", query="native_seconds_bucket")["result"]
        return {(each["metric"]["of"], float(each["metric"]["le"])): float(each["value"][1]) for each in buckets}

    wait_until("all observations", lambda: found() == expected)
    counts = {f'native_seconds_count{{of="{of}"}}': len(numbers) for of, numbers in values.items()}
    prometheus.expect("native_seconds_count", counts)


def test_histogram_of_both_forms_is_native_to_a_prometheus_that_asks_for_it(context, exporter):
    values = distributions()
    counted(context, values, settings=BOTH)
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS)
    assert_native_form(prometheus, values)
    assert prometheus.query("native_seconds_bucket") == {}, "Prometheus takes the native form alone"
    prometheus.expect_health()


def test_histogram_of_both_forms_is_classic_to_a_prometheus_that_does_not_ask(context, exporter):
    values = distributions()
    counted(context, values, settings=BOTH)
    prometheus = harness.Prometheus(context, exporter.address)
    assert_classic_form(prometheus, values)
    assert counts(prometheus) == {}, "no native form"
    prometheus.expect_health()


def test_both_forms_of_a_histogram_are_taken_where_prometheus_is_told_to(context, exporter):
    values = distributions()
    counted(context, values, settings=BOTH)
    more = "    always_scrape_classic_histograms: true\n"
    prometheus = harness.Prometheus(context, exporter.address, more, flags=FLAGS, program=harness.prometheus_3())
    assert_native_form(prometheus, values)
    assert_classic_form(prometheus, values)
    prometheus.expect_health()


def test_definition_of_the_newest_process_is_exported(context, exporter, program):
    """A deploy that changes the factor costs no scrape."""
    counted(context, {"a": [0.1] * 16})
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS, program=program)
    wait_until("the first one", lambda: counts(prometheus) == {'{of="a"}': 16})
    counted(context, {"a": [0.1] * 24}, words=[2.0])
    wait_until("the second one", lambda: counts(prometheus) == {'{of="a"}': 24})
    prometheus.expect_health()


def test_different_factors_are_merged_in_one_sum(context, program):
    """The coarser one is that of the result."""
    other = f"sysv:{context.new_key():#010x}"
    numbers = distributions()["lognormal"]
    for segment, factor, part in ((context.segment, 1.1, numbers[::2]), (other, 1.5, numbers[1::2])):
        values = context.folder / f"values-{factor}"
        values.write_text("".join(f"a {value!r}\n" for value in part))
        harness.Worker(context, segment, SCRIPT, values, factor).wait_for("counted")
    exporter = harness.Exporter(context, f"two={other}", words=["--segment", f"one={context.segment}"])
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS, program=program)
    wait_until("both", lambda: counts(prometheus) == {'{of="a"}': len(numbers)})
    assert_quantiles(prometheus, {"a": numbers}, "sum by (of) (native_seconds)", math.sqrt(2))
    prometheus.expect_health()


def test_prometheus_makes_native_histograms_of_classic_ones(context, exporter):
    """As docs/native-histograms.md says; nothing of ours takes part."""
    harness.Worker(context, context.segment, SCRIPT.with_name("worker.php")).wait_for("counted")
    more = "    convert_classic_histograms_to_nhcb: true\n"
    prometheus = harness.Prometheus(context, exporter.address, more, flags=FLAGS, program=harness.prometheus_3())
    prometheus.expect("histogram_count(job_seconds)", {'{queue="mail"}': 5})
    assert prometheus.query("job_seconds_bucket") == {}
    found = prometheus.query("histogram_quantile(0.5, job_seconds)")['{queue="mail"}']
    assert 0.005 < found <= 1, "three of five are between these bounds"


def test_dashboard_asks_for_native_histograms(context, exporter, program):
    counted(context, {"a": [0.1] * 16})
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS, program=program)
    wait_until("two scrapes", lambda: prometheus.query("count_over_time(promshm_up[1m]) > 1"))
    assert prometheus.query('{__name__=~"native_seconds_.*"}') == {}
    asked = [each.replace("job_duration_seconds", "native_seconds") for each in harness.dashboard_expressions() if "job_duration_seconds" in each]
    assert len(asked) == 4
    for expression in asked:
        assert prometheus.api("query", query=expression)["result"], expression


def test_copied_query_of_the_live_page_suits_both_forms(context, exporter, program):
    """The first of these is stored as a native histogram, the second one as a classic one."""
    counted(context, {"a": [0.1] * 16})
    harness.Worker(context, context.segment, SCRIPT.with_name("worker.php")).wait_for("counted")
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS, program=program)
    wait_until("two scrapes", lambda: prometheus.query("count_over_time(promshm_up[1m]) > 1"))
    labels = lambda name, label: [
        one["metric"] for one in prometheus.api("query", query=harness.copied_query(name, label))["result"]
    ]
    assert labels("native_seconds", "of") == [{"of": "a"}]
    assert labels("job_seconds", "queue") == [{"queue": "mail"}]
    assert not prometheus.query("native_seconds_bucket") and prometheus.query("job_seconds_bucket")


def test_dashboard_finds_the_names_of_native_histograms(context, exporter):
    """By a list that Grafana makes of lines of text. Prometheus 2 compares a native histogram as 0."""
    counted(context, {"a": [0.1] * 16})
    harness.Worker(context, context.segment, SCRIPT.with_name("worker.php")).wait_for("counted")
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS, program=harness.prometheus_3())
    wait_until("a scrape", lambda: counts(prometheus))
    dashboard = json.loads((harness.ROOT / "grafana/dashboard.json").read_text())
    (variable,) = (each for each in dashboard["templating"]["list"] if each["name"] == "histogram")
    query = variable["query"]["query"].removeprefix("query_result(").removesuffix(")").replace("$job", ".*")
    lines = [f'{{__name__="{name[:-2]}"}} 1 1' for name in prometheus.query(query)]
    found = [re.search(variable["regex"].strip("/"), line) for line in lines]
    names = {each[1] for each in found if each} - {"level_nan"}  # a gauge that is NaN is not told from them
    assert names == {"degrees_celsius", "job_seconds", "native_seconds"}


def test_alerts_on_failures_fire_for_native_histograms(context, exporter):
    """For one that Prometheus stores natively alone, and for one of which it stores both forms."""
    worker = harness.Worker(context, context.segment, SCRIPT.with_name("failing.php"), settings=BOTH)
    more = "    always_scrape_classic_histograms: true\n"
    prometheus = harness.Prometheus(context, exporter.address, more, flags=FLAGS, program=harness.prometheus_3())
    worker.count(100)
    count = "histogram_count(php_function_duration_seconds)"
    prometheus.expect(count, {'{function="f"}': 100, '{function="g"}': 100})
    worker.count(100)
    (group,) = yaml.safe_load((harness.ROOT / "grafana/alerts.yaml").read_text())["groups"]
    alerts = {rule["alert"]: rule["expr"] for rule in group["rules"]}
    for name, series, share in (("PhpFunctionFailing", '{function="f"}', 0.1), ("PhpRequestsFailing", "{}", 0.25)):
        # A moment after the first scrape of the second hundred, rates may lack it.
        prometheus.expect(alerts[name], [series], part=list)
        assert share / 2 < prometheus.query(alerts[name])[series] < share * 2, name
    forms = [prometheus.query(f"count(php_{of}_duration_seconds_count)") for of in ("function", "request")]
    assert [bool(each) for each in forms] == [False, True], "the classic form beside the native one"
    assert prometheus.query("histogram_count(php_request_duration_seconds)")


def test_exemplars_have_their_times(context, exporter):
    """Prometheus 2.42 takes those of classic buckets only."""
    values = context.folder / "values"
    values.write_text("a 0.1 first\na 0.1 second\na 3 third\n")
    harness.Worker(context, context.segment, SCRIPT, values).wait_for("counted")
    prometheus = harness.Prometheus(context, exporter.address, flags=FLAGS, program=harness.prometheus_3())

    def found():
        answer = prometheus.api("query_exemplars", query="native_seconds", start=0, end=2**33)
        return {each["labels"]["trace_id"]: float(each["value"]) for one in answer for each in one["exemplars"]}

    wait_until("the exemplars", lambda: found() == {"second": 0.1, "third": 3})


def test_protobuf_and_text_have_the_same_counts(context, exporter):
    values = {**distributions(), "odd": [float(value) for value in ODD]}
    counted(context, values)
    page = ask(exporter.address, headers={"Accept": test_protobuf.ACCEPT}).body
    family = [each for each in metric_family.families(page) if each.name == "native_seconds"]
    native = {name: value for name, value in test_protobuf.told(family, end=65536.0).items() if "_sum" not in name}
    text = harness.parse(ask(exporter.address).body.decode())
    classic = {harness.series(*unlabelled(name)): value for name, value in text.items() if name.startswith("native_")}
    assert len(native) > 4 * 38
    assert native == {name: value for name, value in classic.items() if "_sum" not in name}


def unlabelled(name):
    """Name and labels of a series whose labels have nothing to escape."""
    name, _, labels = name.rstrip("}").partition("{")
    return name, dict(pair.replace('"', "").split("=", 1) for pair in labels.split(","))
