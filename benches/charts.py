#!/usr/bin/env python3
"""Draws docs/counts.svg and docs/pages.svg, and makes the tables of docs/benchmarks.md, from comparison.json alone.

Run by itself it draws them anew."""

import html
import math
import re

import comparison

DOCS = comparison.HERE.parent / "docs"
OURS = "promshm"
WIDTH, TOP, BELOW, ROW = 860, 56, 46, 30
STYLE = """<style>
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .quiet { fill: #57606a; font-size: 13px }
.back { fill: #fff; stroke: #d0d7de } .grid { stroke: #d8dee4 } .lead { stroke: #afb8c1; stroke-width: 2 }
.ours { fill: #1a7f37; stroke: #1a7f37 } .other { fill: #c4561a; stroke: #c4561a } text.ours, text.other { stroke: none }
polyline { fill: none !important; stroke-width: 2.5 } .gzip { stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } .back { fill: #0d1117; stroke: #3d444d } .grid { stroke: #2a313c }
.lead { stroke: #656c76 } .ours { fill: #3fb950; stroke: #3fb950 } .other { fill: #f0883e; stroke: #f0883e } }
</style>"""


class Scale:
    """A logarithmic axis over whole powers of ten."""

    def __init__(self, values, start, end):
        self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.start, self.end = start, end

    def at(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        return [10.0**power for power in range(self.low, self.high + 1)]


def words(x, y, text, style="", anchor="start"):
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def svg(height, label, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(label)}">',
        "<!-- benches/charts.py draws this from benches/comparison.json. -->",
        STYLE,
        f'<rect class="back" x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="10"/>',
        *parts,
        "</svg>\n",
    ])


def nanoseconds(value):
    return f"{value:,.0f} ns" if value >= 20 else f"{value:.1f} ns"


def milliseconds(value):
    return f"{value / 1e3:,.1f} s" if value >= 1e3 else f"{value:,.0f} ms" if value >= 20 else f"{value:.1f} ms"


def style_of(name):
    return "ours" if name.startswith(OURS) else "other"


def least(found):
    """The least of each way's counts, the cheapest first: what other load on the machine added is left out."""
    return sorted(((name, min(times)) for name, times in found["counts"].items()), key=lambda each: each[1])


def of_counts(found):
    rows = least(found)
    scale, height = Scale([time for _, time in rows], 320, WIDTH - 90), TOP + ROW * len(rows) + BELOW
    parts = [words(24, 32, "One count of a counter with two labels, CPU time (logarithmic)", "title")]
    for tick in scale.ticks():
        parts.append(f'<path class="grid" d="M{scale.at(tick):.1f} {TOP}V{height - BELOW}"/>')
        parts.append(words(scale.at(tick), height - BELOW + 22, f"{tick:,g} ns" if tick < 1e6 else f"{tick / 1e6:,g} ms", "quiet", "middle"))
    for row, (name, time) in enumerate(rows):
        y = TOP + ROW * (row + 0.5)
        parts.append(words(306, y + 5, name, style_of(name), "end"))
        parts.append(f'<path class="lead" d="M320 {y:.1f}H{scale.at(time):.1f}"/>')
        parts.append(f'<circle class="{style_of(name)}" cx="{scale.at(time):.1f}" cy="{y:.1f}" r="5"/>')
        parts.append(words(scale.at(time) + 12, y + 5, nanoseconds(time), style_of(name)))
    return svg(height, "What one count costs, by library", parts)


def spread(places, gap):
    """The same places, moved apart so that each is `gap` below the one before."""
    moved = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    return moved


def of_pages(found):
    ways, height, right = found["pages"], 460, WIDTH - 380
    points = {name: [(int(series), time) for series, time in times.items()] for name, times in ways.items()}
    everything = [point for each in points.values() for point in each]
    across, up = Scale([series for series, _ in everything], 80, right), Scale([time for _, time in everything], height - BELOW, TOP)
    most = max(series for series, _ in everything)
    parts = [words(24, 32, "CPU time of a scrape, by the number of series (both axes logarithmic)", "title")]
    for tick in up.ticks():
        parts.append(f'<path class="grid" d="M80 {up.at(tick):.1f}H{right}"/>')
        parts.append(words(70, up.at(tick) + 5, milliseconds(tick).replace(".0", ""), "quiet", "end"))
    for tick in across.ticks():
        parts.append(words(across.at(tick), height - BELOW + 24, f"{tick:,.0f} series", "quiet", "middle"))
    ends = sorted((up.at(line[-1][1]), name, line) for name, line in points.items())
    for y, (end, name, line) in zip(spread([end for end, _, _ in ends], 20), ends):
        style = style_of(name) + (" gzip" if "gzip" in name else "")
        parts.append(f'<polyline class="{style}" points="{" ".join(f"{across.at(x):.1f},{up.at(time):.1f}" for x, time in line)}"/>')
        last = across.at(line[-1][0])
        parts.append(f'<circle class="{style}" cx="{last:.1f}" cy="{end:.1f}" r="4"/>')
        parts.append(f'<path class="grid" d="M{last + 6:.1f} {end:.1f}L{right + 14} {y:.1f}"/>')
        at = "" if line[-1][0] == most else f" with {line[-1][0]:,}"
        parts.append(words(right + 18, y + 5, f"{name}: {milliseconds(line[-1][1])}{at}", style_of(name)))
    return svg(height, "CPU time of a scrape over the number of series, by library", parts)


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def counts_table(found):
    ours = min(found["counts"][OURS])
    rows = [[name, f"{time:,.1f}", f"{time / ours:,.1f} x"] for name, time in least(found)]
    return table(["A count with two labels", "CPU ns", f"by `{OURS}`"], rows)


def pages_table(found):
    sizes = sorted({int(series) for times in found["pages"].values() for series in times})
    cell = lambda times, series: f"{times[str(series)]:,.1f}" if str(series) in times else ""
    rows = [[name, *(cell(times, series) for series in sizes)] for name, times in found["pages"].items()]
    return table(["A page, CPU ms", *(f"{size:,} series" for size in sizes)], rows)


def section(found):
    """What docs/benchmarks.md says between its marks."""
    return "\n".join([
        "<!-- comparison -->",
        f"Measured on {found['date']}: {found['machine']}; load before it began: {found['load']}.\n",
        "![What one count costs, by library](counts.svg)\n",
        counts_table(found),
        "![CPU time of a scrape over the number of series, by library](pages.svg)\n",
        pages_table(found),
        "Not measured:\n",
        *(f"- {what}" for what in found["not_measured"]),
        "<!-- /comparison -->\n",
    ])


def filled(document, found):
    document, times = re.subn(r"<!-- comparison -->\n.*?<!-- /comparison -->\n", lambda _: section(found), document, flags=re.DOTALL)
    assert times == 1, f"docs/benchmarks.md has {times} comparisons"
    return document


def pictures(found):
    return {DOCS / "counts.svg": of_counts(found), DOCS / "pages.svg": of_pages(found)}


def write(found):
    for path, picture in pictures(found).items():
        path.write_text(picture)
    document = DOCS / "benchmarks.md"
    document.write_text(filled(document.read_text(), found))


if __name__ == "__main__":
    write(comparison.read())
