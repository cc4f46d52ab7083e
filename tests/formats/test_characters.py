"""Texts of every class of characters, generated, wherever a text can go: what a page can carry arrives at each reader
as it was given, what it cannot carry is refused by itself, and no page is ever invalid."""

import itertools
import json
import pathlib
import random
import re
import subprocess
import time

import harness
import prometheus_client.openmetrics.parser
import prometheus_client.parser
import pytest
from harness import ask, wait_until
from proxy import Proxy

TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
PARSERS = {TEXT: prometheus_client.parser, OPENMETRICS: prometheus_client.openmetrics.parser}

CONTROLS = [bytes([byte]) for byte in [*range(0x20), 0x7F]]
PUNCTUATION = [bytes([byte]) for byte in range(0x20, 0x7F) if not chr(byte).isalnum()]
BEYOND_ASCII = [
    chr(point).encode()
    for point in [
        *range(0x80, 0xA1),  # C1 controls and the no-break space
        *[0xAD, 0xDF, 0xFC, 0x301, 0x5D0, 0x200B, 0x200E, 0x2028, 0x2029, 0x202E, 0x20AC, 0x3000],
        *[0xD7FF, 0xE000, 0xFDD0, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF],  # the neighbours of surrogates, no characters
        *[0x10000, 0x1F600, 0x1FFFE, 0xE0001, 0x10FFFF],
    ]
]
NO_UTF8 = [
    bytes.fromhex(text)
    for text in [
        *["80", "bf", "c3", "e282", "f09f98", "fe", "ff", "fffe"],
        *["c080", "c1bf", "e08080", "f0808080"],  # longer than they need to be
        *["eda080", "edbfbf", "eda0bdedb880"],  # surrogates
        *["f4908080", "f8888080", "c328"],
    ]
]
CLASSES = {"control": CONTROLS, "punctuation": PUNCTUATION, "beyond ASCII": BEYOND_ASCII, "no UTF-8": NO_UTF8}
SYNTAX = [b'"', b"\\", b"\n", b"\\n", b'\\"', b'"}', b"} 1", b"# {", b"# EOF", b'{a="b"}', b" # ", b",", b"=", b"\0", b"\r"]
LONG = [b"x" * 128, b"x" * 1024, b"x" * 1025, b"x" * 20_000, b"\xc3\xa9" * 600, b'"' * 600, b"\n" * 600, b"\xff" * 500]


def texts():
    """Each character at each place of a text, those that mean something to the formats in pairs, and mixtures."""
    found = [b"", b"plain", b"A_name:of_1"]
    for each in itertools.chain(*CLASSES.values()):
        found += [each, each + b"x", b"x" + each, b"x" + each + b"x", each + each]
    found += [one + other for one in SYNTAX for other in SYNTAX]
    chance = random.Random(20261127)
    every = [*itertools.chain(*CLASSES.values()), *SYNTAX, b"x"]
    found += [b"".join(chance.choices(every, k=chance.randint(2, 30))) for _ in range(200)]
    return list(dict.fromkeys(found + LONG))


ALL = texts()


def decoded(text):
    """What is stored of a text: what is no UTF-8 is replaced."""
    return text.decode(errors="replace")


def is_name(text, pattern, longest=1024):
    return bool(re.fullmatch(pattern, text)) and len(text) <= longest


ORACLE = {
    "metric name": lambda text: is_name(text, rb"[A-Za-z_:][A-Za-z0-9_:]*"),
    "label name": lambda text: is_name(text, rb"[A-Za-z_][A-Za-z0-9_]*") and not text.startswith(b"__"),
    "label value": lambda text: True,
    "help": lambda text: len(text) <= 16 << 10,
    "exemplar name": lambda text: True,
    "exemplar value": lambda text: True,
}


def is_exemplar(name, value):
    try:
        characters = len(name.decode()) + len(value.decode())
    except UnicodeDecodeError:
        return False
    return characters <= 128 and b"\0" not in value and ORACLE["label name"](name)


EXEMPLARS = {
    "carriers_total": {n: {"trace_id": decoded(t)} for n, t in enumerate(ALL) if is_exemplar(b"trace_id", t)},
    "named_total": {n: {decoded(t): "x"} for n, t in enumerate(ALL) if is_exemplar(t, b"x")},
}
EXEMPLARS["carriers_seconds_bucket"] = EXEMPLARS["carriers_total"]
EXEMPLARS_WITHOUT_QUOTES = {
    name: {number: labels for number, labels in each.items() if '"' not in labels.get("trace_id", "")}
    for name, each in EXEMPLARS.items()
}
HELPS = {n: decoded(t) for n, t in enumerate(ALL) if ORACLE["help"](t)}


@pytest.fixture(autouse=True)
def counted(context, worker):
    """A worker that has put all texts wherever one can go, and what it says was refused."""
    file = context.folder / "texts"
    file.write_text("".join(text.hex() + "\n" for text in ALL))
    script = pathlib.Path(__file__).parent / "characters.php"
    running = worker(script, file, settings=["promshm.max_series_per_metric=100%"])
    return json.loads(running.wait_for("refused: (.*)").group(1))


def page(exporter, accept):
    answer = ask(exporter.address, headers={"Accept": accept})
    assert answer.status == 200
    return answer.body.decode()


def assert_values(found):
    """Values by their numbers; a long one is cut, and ends in a hash."""
    assert found.keys() == set(range(len(ALL)))
    for number, text in enumerate(ALL):
        value, expected = found[number], decoded(text)
        if len(expected.encode()) <= 1024:
            assert value == expected, text
        else:
            assert len(value.encode()) <= 1024 and value[:300] == expected[:300], text


def test_unrepresentable_texts_are_refused(counted):
    expected = {place: [n for n, text in enumerate(ALL) if not takes(text)] for place, takes in ORACLE.items()}
    assert counted == expected
    assert 0 < len(counted["metric name"]) < len(ALL) and 0 < len(counted["help"]) < len(ALL)


def without_quotes_in_exemplars(page):
    """Python's parser takes an escaped quote in an exemplar for the end of the value, so such exemplars are cut off."""
    pattern = re.compile(r'^(carriers_[^ ]*number="(\d+)".*?) # \{.*$', re.M)
    return pattern.sub(lambda line: line[1] if '"' in decoded(ALL[int(line[2])]) else line[0], page)


@pytest.mark.parametrize("accept", PARSERS)
def test_python_parser_reads_texts_unchanged(exporter, accept):
    text = without_quotes_in_exemplars(page(exporter, accept))
    families = list(PARSERS[accept].text_string_to_metric_families(text))
    samples = [sample for family in families for sample in family.samples]
    values = [sample for sample in samples if sample.name == "values_total"]
    assert_values({int(sample.labels["number"]): sample.labels["text"] for sample in values})
    given = {f"help_{number}": text for number, text in HELPS.items()}
    helps = {f.name: f.documentation for f in families if re.fullmatch("help_[0-9]+", f.name)}
    # These parsers split lines at white space, the stricter one at blanks before the text.
    split = (lambda text: " ".join(text.split())) if accept == TEXT else (lambda text: text.lstrip(" "))
    helps, given = ({name: split(text) for name, text in each.items()} for each in (helps, given))
    assert helps == given
    names = {f.name for f in families}
    assert {decoded(text).removesuffix("_total") for text in ALL if ORACLE["metric name"](text)} <= names
    found = {name: {} for name in EXEMPLARS}
    for sample in samples:
        if sample.exemplar:
            found[sample.name][int(sample.labels["number"])] = sample.exemplar.labels
    assert found == (EXEMPLARS_WITHOUT_QUOTES if accept == OPENMETRICS else {name: {} for name in EXEMPLARS})


def test_promtool_reads_the_text(exporter):
    done = subprocess.run(["promtool", "check", "metrics"], input=page(exporter, TEXT), capture_output=True, text=True)
    assert "error while linting" not in done.stderr and done.returncode in (0, 3), done.stderr


@pytest.mark.parametrize("accept", PARSERS)
def test_prometheus_reads_texts_unchanged(context, exporter, accept):
    target = Proxy(context, exporter.address, accept).address
    flags = ["--enable-feature=exemplar-storage"]
    prometheus = harness.Prometheus(context, target, flags=flags)
    prometheus.expect_health()
    answer = lambda: prometheus.api("query", query="values_total")["result"]
    wait_until("all values", lambda: len(answer()) == len(ALL))
    assert_values({int(each["metric"]["number"]): each["metric"].get("text", "") for each in answer()})
    ending = "_total" if accept == TEXT else ""
    helps = {each["metric"]: each["help"] for each in prometheus.api("targets/metadata")}
    for number, text in HELPS.items():
        # In text, Prometheus takes a help of nothing but such characters for none.
        expected = "" if accept == TEXT and not text.strip("\0 \t") else text
        assert helps[f"help_{number}{ending}"] == expected, ALL[number]
    if accept == OPENMETRICS:
        assert_exemplars(prometheus)
    prometheus.expect_health()


def assert_exemplars(prometheus):
    span = {"start": time.time() - 3600, "end": time.time() + 3600}
    for name, expected in EXEMPLARS.items():
        series = prometheus.api("query_exemplars", query=name, **span)
        found = {int(each["seriesLabels"]["number"]): each["exemplars"][-1]["labels"] for each in series}
        assert found.keys() == expected.keys(), name
        for number, labels in expected.items():
            # Prometheus 2 keeps a value's escapes as they are written.
            labels = {key: value for key, value in labels.items() if value}  # to Prometheus an empty label is none
            escaped = {key: re.sub(r'[\\"]', r"\\\g<0>", value).replace("\n", "\\n") for key, value in labels.items()}
            assert found[number] in (labels, escaped), ALL[number]
