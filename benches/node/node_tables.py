"""docs/scaling.md's comparison of sidecars with one agent a node, made of what was measured."""

import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "scaling.md"
PODS, INTERVAL = 10_000, 30


def size(count):
    return f"{count / 2**20:,.1f} MiB" if count < 2**30 else f"{count / 2**30:,.1f} GiB"


def share(of_a_core):
    return f"{of_a_core * 100:.3f} % of a core" if of_a_core >= 1e-5 else "less than 0.001 % of a core"


def comparison(found):
    """One node as it was measured, and the cluster that it makes."""
    nodes = PODS // found["pods"]
    ways, idle = [found["sidecars"], found["agent"]], found["idle"]
    of = lambda text: [text(way) for way in ways]
    lines = [
        [f"{found['pods']} pods a node, each with {found['workers']} workers and 500 series", "A sidecar in each pod", "One agent a node"],
        ["---", "---:", "---:"],
        ["memory of the exporters of a node", *of(lambda way: size(way["bytes"]))],
        ["CPU of a node for scraping each pod once", *of(lambda way: f"{way['round_seconds'] * 1e3:,.0f} ms")],
        ["CPU of a node that nobody scrapes", *(share(idle[way]) for way in ("sidecars", "agent"))],
        [f"exporters for {PODS:,} pods", f"{PODS:,}", f"{nodes}"],
        ["memory of all of them", *of(lambda way: size(way["bytes"] * nodes))],
        [f"CPU of all, each pod scraped every {INTERVAL} s", *of(lambda way: f"{way['round_seconds'] * nodes / INTERVAL:.2f} cores")],
        ["targets of Prometheus", f"{PODS:,}", f"{PODS:,}, and the {nodes} agents"],
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + (
        f"\n\nMeasured on one node of 2 cores, Linux {found['linux']}, {found['date']}, "
        f"{found['rounds']} rounds; load before it began: {found['load']:.1f}. Without scrapes: during {idle['seconds']} s after the last "
        f"one, {idle['date']}, load before it began: {idle['load']:.1f}. The cluster's rows are computed."
    )


def measured():
    return json.loads((HERE / "measured.json").read_text())


def filled(document, found):
    document, times = re.subn(r"(<!-- node -->\n).*?(<!-- /node -->)", lambda mark: f"{mark[1]}{comparison(found)}\n{mark[2]}", document, flags=re.DOTALL)
    assert times == 1, f"{DOCUMENT} has {times} tables node"
    return document


def write(found):
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), found))
