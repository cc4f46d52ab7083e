#!/usr/bin/env python3
"""Draws docs/native-histograms.svg: what a real Prometheus estimates from both kinds of histogram, over the quantiles of the
numbers that a PHP worker has observed. Needs `make build`; run it with PYTHONPATH=tests."""

import math
import random
import shutil
import tempfile
import pathlib

import harness
from harness import wait_until

FOLDER = pathlib.Path(__file__).parent
PICTURE = harness.ROOT / "docs/native-histograms.svg"
SHARES = [share / 100 for share in range(1, 100)]
# Seconds of jobs: most find what they need in a cache, the others ask a service.
LOW, HIGH = 0.005, 5.0
WIDTH, HEIGHT, LEFT, TOP, BELOW = 760, 400, 70, 30, 50


def seconds(count=20_000):
    dice = random.Random(7)
    return [dice.lognormvariate(math.log(0.02), 0.25) if dice.random() < 0.8 else dice.lognormvariate(math.log(1.3), 0.12) for _ in range(count)]


class Run:
    """What the harness asks of a test."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.ends = [lambda: shutil.rmtree(self.folder)]

    def addCleanup(self, end, *words, **options):
        self.ends.append(lambda: end(*words, **options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in reversed(self.ends):
            end()


def estimates(numbers):
    """The quantiles by each kind, as Prometheus estimates them."""
    harness.enter_ipc_namespace()
    with Run() as run:
        segment = "sysv:0x6e617476"
        worker = harness.Worker(run, segment, FOLDER / "worker.php")
        worker.process.stdin.write("".join(f"{number!r}\n" for number in numbers).encode() + b"end\n")
        worker.process.stdin.flush()
        worker.wait_for("counted")
        exporter = harness.Exporter(run, segment)
        flags = ["--enable-feature=native-histograms"]
        prometheus = harness.Prometheus(run, exporter.address, flags=flags, program=harness.prometheus_3())
        wait_until("the numbers", lambda: prometheus.query("histogram_count(native_seconds)") == {"{}": len(numbers)})
        of = lambda what: [prometheus.query(f"histogram_quantile({share}, {what})")["{}"] for share in SHARES]
        return of("sum by (le) (classic_seconds_bucket)"), of("native_seconds")


def across(share):
    return LEFT + share * (WIDTH - LEFT - 20)


def up(value):
    part = (math.log(value) - math.log(LOW)) / (math.log(HIGH) - math.log(LOW))
    return HEIGHT - BELOW - part * (HEIGHT - TOP - BELOW)


def line(values, style):
    points = " ".join(f"{across(share):.1f},{up(value):.1f}" for share, value in zip(SHARES, values))
    return f'<polyline class="{style}" points="{points}"/>'


def words(x, y, text, anchor="start", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{text}</text>'


def error(values, truth):
    """The largest factor by which an estimate is off."""
    return max(max(value / true, true / value) for value, true in zip(values, truth))


def picture(truth, classic, native):
    parts = []
    for value in (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5):
        parts.append(f'<path class="grid" d="M{LEFT} {up(value):.1f}H{across(1):.1f}"/>')
        parts.append(words(LEFT - 8, up(value) + 4, f"{value:g} s", "end"))
    for share in (0, 0.25, 0.5, 0.75, 0.9, 0.99):
        parts.append(words(across(share), HEIGHT - BELOW + 20, f"p{share * 100:g}", "middle"))
    parts += [line(truth, "truth"), line(classic, "classic"), line(native, "native")]
    legend = [
        ("truth", "what was observed"),
        ("native", f"NativeHistogram, 1 series: off by {(error(native, truth) - 1) * 100:.0f} % at most"),
        ("classic", f"Histogram, 14 bounds, 17 series: off by {(error(classic, truth) - 1) * 100:.0f} % at most"),
    ]
    for row, (style, text) in enumerate(legend):
        y = TOP + 20 + row * 22
        parts.append(f'<path class="{style}" d="M{LEFT + 16} {y - 4}h34"/>')
        parts.append(words(LEFT + 58, y, text))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Quantiles by both kinds of histogram against the truth">',
            "<!-- benches/native/picture.py draws this. -->",
            "<style>text { font: 13px sans-serif; fill: #333 } polyline, path { fill: none } .grid { stroke: #ddd }"
            " .truth { stroke: #333; stroke-width: 6; stroke-opacity: .25 } .native { stroke: #1a7f37; stroke-width: 2 }"
            " .classic { stroke: #c4561a; stroke-width: 2; stroke-dasharray: 6 3 }</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def main():
    numbers = seconds()
    ordered = sorted(numbers)
    truth = [ordered[math.ceil(share * len(ordered)) - 1] for share in SHARES]
    PICTURE.write_text(picture(truth, *estimates(numbers)))


if __name__ == "__main__":
    main()
