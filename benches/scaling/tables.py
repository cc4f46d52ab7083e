"""docs/scaling.md's tables, made of what was measured."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "scaling.md"
PODS, SERIES = 10_000, 500
DAY = 86_400


def rows(*lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def run(found):
    """The set-up, and the resources that it used."""
    return rows(
        ["Measured", "Value"],
        ["---", "---:"],
        ["simulated pods, and series of all", f"{found['pods']:,} and {found['series']:,.0f}"],
        ["scraped each", f"{found['interval']} s, for {found['seconds']} s"],
        ["samples", f"{found['samples_per_second']:,.0f} a second"],
        ["CPU of Prometheus", f"{found['cpu_seconds_per_million_samples']:.1f} s for a million samples"],
        ["memory of Prometheus (resident)", f"{found['resident_bytes'] / 2**20:,.0f} MiB"],
        ["of it for each series", f"{found['resident_bytes_per_series']:,.0f} bytes"],
        ["write-ahead log", f"{found['wal_bytes_per_sample']:.1f} bytes a sample"],
        ["samples in a block", f"{found['chunk_bytes_per_sample']:.2f} bytes each"],
        ["index of a block", f"{found['index_bytes_per_series']:.0f} bytes a series"],
        ["a page, and what went over the wire (gzip)", f"{found['page_bytes']:,.0f} and {found['sent_bytes']:,.0f} bytes"],
        ["a scrape: median pod, and the longest", f"{found['scrape_seconds'] * 1e3:.1f} and {found['longest_scrape_seconds'] * 1e3:.0f} ms"],
    ) + (
        f"\n\nPrometheus {found['prometheus']} on {found['cores']} cores ({found['cpu']}) with {found['memory'] / 2**30:.0f} GiB, "
        f"Linux {found['linux']}, {found['date']}; load before it began: {found['load']:.1f}."
    )


def plan(found):
    """What that makes for 10,000 pods of 500 series. A block's index is counted once for each two hours."""
    series = PODS * SERIES
    memory = series * found["resident_bytes_per_series"] / 2**30
    lines = [["10,000 pods × 500 series, scraped each", "15 s", "30 s", "60 s"], ["---", "---:", "---:", "---:"]]
    rates = [series / interval for interval in (15, 30, 60)]
    disk = [rate * DAY * found["chunk_bytes_per_sample"] + 12 * series * found["index_bytes_per_series"] for rate in rates]
    wal = [rate * 3 * 3600 * found["wal_bytes_per_sample"] for rate in rates]
    lines.append(["samples a second", *(f"{rate:,.0f}" for rate in rates)])
    lines.append(["CPU, without queries", *(f"{rate * found['cpu_seconds_per_million_samples'] / 1e6:.1f} cores" for rate in rates)])
    lines.append(["memory, without queries", *[f"{memory:.0f} GiB"] * 3])
    lines.append(["disk a day", *(f"{size / 1e9:,.0f} GB" for size in disk)])
    lines.append(["write-ahead log of three hours", *(f"{size / 1e9:,.0f} GB" for size in wal)])
    lines.append(["network, gzip", *(f"{PODS / interval * found['sent_bytes'] * 8 / 1e6:,.0f} Mbit/s" for interval in (15, 30, 60))])
    return rows(*lines)


def filled(document, found):
    for name, text in (("measured", run(found)), ("plan", plan(found))):
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        document, times = re.subn(pattern, lambda found: f"{found.group(1)}{text}\n{found.group(2)}", document, flags=re.DOTALL)
        assert times == 1, f"{DOCUMENT} has {times} tables {name}"
    return document


def write(found):
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), found))
