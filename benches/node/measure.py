#!/usr/bin/env python3
"""What exporters cost a node: one beside each pod, or one agent for all. Run as root, with the exporters as they are shipped:

    PYTHONPATH=tests:benches/node benches/node/measure.py --pods 250 --sidecar SMALL_BINARY --agent BINARY_WITH_NODE

Each pod is an IPC namespace with 8 PHP workers and 500 series. What was measured goes into measured.json, and from there as
a table into docs/scaling.md. With --idle alone what exporters take that nobody scrapes is measured anew: that hardly depends
on what else the machine does, as a round of scrapes does. Start it with `unshare --pid --fork --mount-proc` there: then the agent
sees nobody else's processes."""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
import harness
import node_tables

SEGMENT = "sysv:0x70736d31"
WORKERS, FURTHER_SERIES = 8, 215
# Seconds without a scrape. The first ones have what the last scrapes left to do, and one poll in sixteen lists all processes.
IDLE = 300
HEADERS = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"}


class Place(contextlib.ExitStack):
    """What the tests' process helpers need: a folder, and cleanup."""

    def __init__(self):
        super().__init__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promshm-node-"))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup = self.callback


def cpu(pids):
    """Processor seconds that processes have used. /proc counts hundredths, which is much for one that does nothing."""
    clock = lambda pid: ~pid << 3 | 2  # clock_getcpuclockid
    return sum(time.clock_gettime(clock(pid)) for pid in pids)


def memory(pids):
    """Bytes of processes: their own, and their part of what they share with each other. The segment's are the workers'."""
    total = 0
    for pid in pids:
        found = dict(re.findall(r"^(\w+):\s+(\d+) kB$", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
        total += (int(found["Pss"]) - int(found.get("Pss_Shmem", 0))) * 1024
    return total


def start_pods(place, count):
    pods = []
    for number in range(count):
        words = ["unshare", "--ipc", *harness.php(SEGMENT, HERE / "workers.php", str(WORKERS), str(FURTHER_SERIES))]
        pods.append(harness.Process(place, f"pod-{number}", words, stdin=subprocess.PIPE))
    for pod in pods:
        pod.wait_for(rf"(counted\s+){{{WORKERS}}}")
    return pods


def get(address, path):
    connection = http.client.HTTPConnection(address, timeout=harness.WATCHDOG)
    connection.request("GET", path, headers=HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, (address, path, answer.status, body[:200])
    return body


def measured(pids, pages, rounds):
    """Processor time of a round, of an idle second, and memory, once all pages were scraped. No rounds: no time of one."""
    for _ in range(2):  # the first reads everything
        for address, path in pages:
            get(address, path)
    before = cpu(pids)
    for _ in range(rounds):
        for address, path in pages:
            get(address, path)
    a_round = (cpu(pids) - before) / rounds if rounds else None
    before, began = cpu(pids), time.monotonic()
    time.sleep(IDLE)
    return {"round_seconds": a_round, "idle_share": (cpu(pids) - before) / (time.monotonic() - began), "bytes": memory(pids)}


def sidecars(place, binary, pods, rounds):
    exporters = []
    for number, pod in enumerate(pods):
        words = ["nsenter", f"--ipc=/proc/{pod.pid}/ns/ipc", binary, "serve", "--web.listen-address=127.0.0.1:0"]
        exporters.append(harness.Process(place, f"sidecar-{number}", words))
    pages = [(each.wait_for(r"""address"?[=:]"?([^\s"]+:\d+)""").group(1), "/metrics") for each in exporters]
    found = measured([each.pid for each in exporters], pages, rounds)
    for each in exporters:
        each.end()
    return found


def agent(place, binary, pods, rounds):
    exporter = harness.Process(place, "agent", [binary, "node", "--web.listen-address=127.0.0.1:0"])
    address = exporter.wait_for(r"""address"?[=:]"?([^\s"]+:\d+)""").group(1)
    wanted = {f"/pods/ipc-{os.stat(f'/proc/{pod.pid}/ns/ipc').st_ino}/metrics" for pod in pods}
    listed = lambda: {group["labels"]["__metrics_path__"] for group in json.loads(harness.ask(address, "/sd").body)}
    harness.wait_until("all pods", lambda: wanted <= listed())
    found = measured([exporter.pid], [(address, path) for path in sorted(wanted)], rounds)
    exporter.end()
    return found


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--pods", type=int, default=250)
    words.add_argument("--rounds", type=int, default=10)
    words.add_argument("--idle", action="store_true", help="measure only what exporters take that nobody scrapes")
    words.add_argument("--sidecar", type=pathlib.Path, required=True)
    words.add_argument("--agent", type=pathlib.Path, required=True)
    words = words.parse_args()
    rounds = 0 if words.idle else words.rounds
    with Place() as place:
        when = {"date": datetime.date.today().isoformat(), "load": os.getloadavg()[0]}
        pods = start_pods(place, words.pods)
        ways = {
            "agent": agent(place, words.agent.resolve(), pods, rounds),
            "sidecars": sidecars(place, words.sidecar.resolve(), pods, rounds),
        }
        for pod in pods:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pod.pid, signal.SIGKILL)
    idle = {"seconds": IDLE, **when, **{name: way.pop("idle_share") for name, way in ways.items()}}
    node = {"pods": words.pods, "workers": WORKERS, "rounds": rounds, **when, "linux": platform.release().split("-")[0]}
    found = {**(node_tables.measured() if words.idle else {**node, **ways}), "idle": idle}
    (HERE / "measured.json").write_text(json.dumps(found, indent=2) + "\n")
    node_tables.write(found)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
