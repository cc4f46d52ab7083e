#!/usr/bin/env python3
"""`make scaling`: one real Prometheus scrapes hundreds of simulated exporters for some minutes. What it took
goes into measured.json, and from there as tables into docs/scaling.md."""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
import exporters
import harness
import tables

MEASURED = HERE / "measured.json"
SERIES = 500  # of each pod
ACCEPT = {"Accept": "application/openmetrics-text;version=1.0.0"}
CONFIG = """\
global: {{scrape_interval: {interval}s, scrape_timeout: {interval}s}}
scrape_configs:
  - job_name: default/promshm
    file_sd_configs: [{{files: [{targets}]}}]
"""


class Place(contextlib.ExitStack):
    """What the tests' process helpers need: a folder, and cleanup."""

    def __init__(self):
        super().__init__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promshm-scaling-"))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup = self.callback


def real_page(place, further):
    """The page of the real exporter for a worker with additional series."""
    with contextlib.ExitStack() as here:
        segment = "sysv:0x7363616c"
        here.callback(subprocess.run, ["ipcrm", "-M", segment[5:], "-S", segment[5:]], capture_output=True)
        command = harness.php(segment, HERE / "worker.php", further)
        worker = harness.Process(place, f"worker-{further}", command, stdin=subprocess.PIPE)
        here.callback(worker.end)
        worker.wait_for("counted")
        exporter = harness.Exporter(place, segment)
        here.callback(exporter.end)
        request = urllib.request.Request(f"http://{exporter.address}/metrics", headers=ACCEPT)
        return urllib.request.urlopen(request, timeout=harness.WATCHDOG).read().decode()


def samples(page):
    return sum(not line.startswith("#") for line in page.splitlines())


class Simulation(harness.Process):
    def __init__(self, place, count, template):
        page = place.folder / "template.txt"
        page.write_text(template)
        command = [sys.executable, "-B", HERE / "exporters.py", count, page]
        super().__init__(place, "exporters", command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"listening\n", self.output()

    def served(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def targets(count):
    """As the operator's PodMonitor finds them."""
    for number in range(count):
        pod = f"promshm-worker-6d5f7c9b8-{number:05x}"
        labels = {"namespace": "default", "pod": pod, "container": "exporter", "endpoint": "metrics"}
        yield {"targets": [f"{exporters.address(number)}:{exporters.PORT}"], "labels": labels}


def size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def state(prometheus, simulation, tsdb):
    """The resources used so far."""
    with urllib.request.urlopen(f"http://{prometheus.address}/metrics", timeout=harness.WATCHDOG) as answer:
        own = harness.parse(answer.read().decode())
    appended = sum(value for name, value in own.items() if name.startswith("prometheus_tsdb_head_samples_appended_total"))
    return {
        "time": time.monotonic(),
        "series": own["prometheus_tsdb_head_series"],
        "samples": appended,
        "cpu": own["process_cpu_seconds_total"],
        "resident": own["process_resident_memory_bytes"],
        "wal": size(tsdb / "wal"),
        **simulation.served(),
    }


def block(prometheus, tsdb):
    """What the head takes as a block on the disk."""
    request = urllib.request.Request(f"http://{prometheus.address}/api/v1/admin/tsdb/snapshot", method="POST")
    name = json.load(urllib.request.urlopen(request, timeout=300))["data"]["name"]
    (meta,) = (tsdb / "snapshots" / name).glob("*/meta.json")
    stats = json.loads(meta.read_text())["stats"]
    return {
        "chunk_bytes_per_sample": size(meta.parent / "chunks") / stats["numSamples"],
        "index_bytes_per_series": (meta.parent / "index").stat().st_size / stats["numSeries"],
    }


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    version = subprocess.run(["prometheus", "--version"], check=True, capture_output=True, text=True)
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "linux": platform.release().split("-")[0],
        "prometheus": re.search(r"version (\S+)", version.stdout + version.stderr).group(1),
        "load": os.getloadavg()[0],
    }


def measure(place, pods, interval, seconds):
    found = {"pods": pods, "interval": interval, "seconds": seconds, **machine()}
    template = real_page(place, SERIES - samples(real_page(place, 0)))
    assert samples(template) == SERIES, samples(template)
    simulation = Simulation(place, pods, template)
    listed, tsdb, config = (place.folder / name for name in ("targets.json", "tsdb", "prometheus.yml"))
    listed.write_text("[]")
    config.write_text(CONFIG.format(interval=interval, targets=listed))
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tsdb}", "--web.enable-admin-api"]
    prometheus = harness.Prometheus(place, command=command)
    empty = state(prometheus, simulation, tsdb)

    fresh = place.folder / "fresh.json"
    fresh.write_text(json.dumps(list(targets(pods))))
    fresh.rename(listed)
    harness.wait_until("all to be scraped", lambda: list(prometheus.query("sum(up)").values()) == [pods])
    time.sleep(2 * interval)  # the series exist by then
    before = state(prometheus, simulation, tsdb)
    time.sleep(seconds)
    after = state(prometheus, simulation, tsdb)
    spent = {name: after[name] - before[name] for name in after}
    (missed,) = prometheus.query(f"sum(count_over_time(up[{seconds}s]) - sum_over_time(up[{seconds}s]))").values()
    assert missed == 0, f"{missed} scrapes failed: the machine is too slow, or too busy"
    (longest,) = prometheus.query(f"max(max_over_time(scrape_duration_seconds[{seconds}s]))").values()
    (middle,) = prometheus.query(f"quantile(0.5, avg_over_time(scrape_duration_seconds[{seconds}s]))").values()
    return found | block(prometheus, tsdb) | {
        "series": after["series"],
        "samples_per_second": spent["samples"] / spent["time"],
        "cpu_seconds_per_million_samples": spent["cpu"] / spent["samples"] * 1e6,
        "resident_bytes": after["resident"],
        "resident_bytes_per_series": (after["resident"] - empty["resident"]) / after["series"],
        "wal_bytes_per_sample": spent["wal"] / spent["samples"],
        "page_bytes": spent["page_bytes"] / spent["pages"],
        "sent_bytes": spent["sent_bytes"] / spent["pages"],
        "scrape_seconds": middle,
        "longest_scrape_seconds": longest,
    }


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--pods", type=int, default=500)
    words.add_argument("--interval", type=int, default=5, help="seconds between scrapes")
    words.add_argument("--seconds", type=int, default=150, help="how long to measure")
    words.add_argument("--print", action="store_true", help="write no file")
    asked = words.parse_args()
    with Place() as place:
        found = measure(place, asked.pods, asked.interval, asked.seconds)
    print(json.dumps(found, indent=2))
    if not asked.print:
        MEASURED.write_text(json.dumps(found, indent=2) + "\n")
        tables.write(found)


if __name__ == "__main__":
    harness.enter_ipc_namespace()
    main()
