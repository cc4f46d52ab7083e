#!/usr/bin/env python3
"""docs/benchmarks.md and a line of README.md, made from what the last runs have measured.

measured.json has what report.py measured, part by part, comparison.json the comparison with other libraries, and NOTES.md
the text around them, with a mark for each part.
"""

import collections
import json
import re

import charts
import comparison

HERE = comparison.HERE
MEASURED = HERE / "measured.json"
DOCUMENT = charts.DOCS / "benchmarks.md"
README = HERE.parent / "README.md"
# The parts in the order in which they are measured and their goals are listed.
PARTS = ["instructions", "calls", "requests", "writers", "scrapes", "wholes", "generations", "python", "interference", "startup", "attacks"]
COSTS = r"A bound `inc\(\)` takes .*? \(\[docs/benchmarks\.md\]"


def read():
    return json.loads(MEASURED.read_text())


def keep(name, part):
    """Puts a part that was just measured in the place of the former one."""
    found = read()
    found[name] = part
    MEASURED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def markdown(pieces):
    """Tables, as rows under a head, and paragraphs."""
    return "\n".join(charts.table(piece["head"], piece["rows"]) if isinstance(piece, dict) else piece for piece in pieces)


def usual_run(found):
    """When and where most parts were measured."""
    return collections.Counter(found[name]["measured"] for name in PARTS).most_common(1)[0][0]


def part(name, found):
    """A part, with its own day and machine if they are not those of the others."""
    measured = found[name]["measured"]
    told = "" if measured == usual_run(found) else f"\nMeasured on {measured}.\n"
    return markdown(found[name]["pieces"]) + told


def machine(found):
    usual = usual_run(found)
    loads = [found[name]["load"] for name in PARTS if found[name]["measured"] == usual and found[name]["load"] is not None]
    load = f"; load before each part: {min(loads)} to {max(loads)}" if loads else ""
    return f"Measured on {usual}{load}. Repeat with `make bench`.\n"


def goals(found):
    rows = [goal for name in PARTS for goal in found[name]["goals"]]
    return charts.table(["Goal", "Limit", "Measured", "Met"], rows)


def text():
    """What docs/benchmarks.md is to say."""
    found = read()
    filled = (HERE / "NOTES.md").read_text()
    parts = {name: part(name, found) for name in PARTS}
    parts |= {"machine": machine(found), "goals": goals(found), "comparison": charts.section(comparison.read())}
    for name, section in parts.items():
        filled = filled.replace(f"<!-- {name} -->\n", section)
    return filled


def costs():
    """What README says of the cost of a call."""
    [instructions] = read()["instructions"]["pieces"]
    price = {row[0]: row[1] for row in instructions["rows"]}
    least = dict(charts.least(comparison.read()))
    ours, theirs = (f"{least[name]:,.0f}" for name in ("promshm, bound", "apcu_inc, key at hand"))
    redis = f" and PromPHP on Redis {least['PromPHP on Redis']:,.0f}" if "PromPHP on Redis" in least else ""
    return (
        f"A bound `inc()` takes {price['`bound inc()`']} instructions, where a C method that adds to memory takes {price['`C: inc()`']}, "
        f"and {ours} ns of CPU time, where `apcu_inc` takes {theirs}{redis} ([docs/benchmarks.md]"
    )


def of_readme(readme):
    """README.md with these costs."""
    readme, times = re.subn(COSTS, lambda _: costs(), readme)
    assert times == 1, f"README.md tells {times} times what a call costs"
    return readme


def write():
    DOCUMENT.write_text(text())
    README.write_text(of_readme(README.read_text()))


if __name__ == "__main__":
    write()
