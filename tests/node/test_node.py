"""`promshm-exporter node`: real PHP workers in IPC namespaces of their own, one exporter for all.

A machine may have other namespaces and segments; each test looks at its own ones, by the numbers of the namespaces."""

import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import harness
import pytest
import yaml
from harness import EXPORTER, Process, Worker, ask, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")

FOLDER = pathlib.Path(__file__).parent
WORKER = FOLDER / "worker.php"
KEY = 0x70736D31
SYS_ADMIN = 21  # capability
IN_ITS_OWN = ("unshare", "--ipc")
# A /dev/shm of its own too, mounted at once or when the namespaces were seen without it.
MOUNT = 'mount -t tmpfs shm /dev/shm && exec "$@"'
WITH_OBJECTS = ("unshare", "--ipc", "--mount", "sh", "-c", MOUNT, "sh")
WITH_OBJECTS_LATE = ("unshare", "--ipc", "--mount", "sh", "-c", f"sleep 1 && {MOUNT}", "sh")


class Node(Process):
    """The exporter of this machine."""

    started = 0

    def __init__(self, test, *words, through=(), poll="100ms", address="127.0.0.1:0", name="here", **options):
        Node.started += 1
        flags = [f"--web.listen-address={address}", f"--node.poll={poll}", f"--node.name={name}"]
        super().__init__(test, f"node-{Node.started}", [*through, EXPORTER, "node", *flags, *words], **options)
        self.address = self.wait_for(r"""address"?[=:]"?([^\s"]+:\d+)""").group(1)

    def pods(self):
        """The pods by their names in paths."""
        answer = ask(self.address, "/pods", {"Accept": "application/json"})
        return {pod["uid"]: pod for pod in json.loads(answer.body)["pods"]}

    def expect(self, uid, state="live"):
        """Waits for a pod in that state."""
        return wait_until(f"{uid} to be {state}", lambda: self.pods().get(uid, {}).get("state") == state)

    def expect_gone(self, uid):
        wait_until(f"{uid} to be gone", lambda: uid not in self.pods())

    def targets(self):
        """What Prometheus is told: labels by path."""
        found = json.loads(ask(self.address, "/sd").body)
        assert all(each["targets"] == [self.address] for each in found), found
        return {each["labels"].pop("__metrics_path__"): each["labels"] for each in found}

    def page(self, uid, **options):
        answer = ask(self.address, f"/pods/{uid}/metrics", **options)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    def samples(self, uid):
        return harness.parse(self.page(uid))

    def jobs(self, uid):
        """What the pod's workers have counted."""
        return sum(value for series, value in self.samples(uid).items() if series.startswith("jobs_total{"))

    def own(self):
        return harness.parse(ask(self.address).body.decode())

    def refused(self, reason):
        return self.own()[f'promshm_node_refused_total{{reason="{reason}"}}']

    def descriptors_of(self, uid):
        """Descriptors that this process has of a namespace."""
        number = uid.removeprefix("ipc-")
        return harness.descriptors(self.pid).count(f"ipc:[{number}]")

    def holds(self):
        """Descriptors of namespaces and of folders, mappings of segments, and threads."""
        links = harness.descriptors(self.pid)
        maps = pathlib.Path(f"/proc/{self.pid}/maps").read_text()
        return {
            "namespaces": sum(link.startswith("ipc:[") for link in links),
            "folders": sum(link == "/" or "/dev/shm" in link for link in links),
            "mappings": maps.count("/SYSV") + maps.count("/dev/shm"),
            "threads": len(os.listdir(f"/proc/{self.pid}/task")),
        }


class Proc:
    """A /proc with some processes alone, so that a test knows all that an exporter can see."""

    def __init__(self, context):
        self.folder = context.folder / "proc"
        self.folder.mkdir()

    def add(self, process, cgroup="/"):
        real, entry = pathlib.Path(f"/proc/{process.pid}"), self.folder / f"new-{process.pid}"
        entry.mkdir()
        for name in ("environ", "ns", "root"):
            (entry / name).symlink_to(real / name)
        (entry / "cgroup").write_text(f"0::{cgroup}\n")
        entry.rename(self.folder / str(process.pid))

    def remove(self, process):
        (self.folder / str(process.pid)).rename(self.folder / f"old-{process.pid}")


class Sleeper(Process):
    """A process in a namespace of its own, without a segment."""

    started = 0

    def __init__(self, test):
        Sleeper.started += 1
        super().__init__(test, f"sleeper-{Sleeper.started}", [*IN_ITS_OWN, "sleep", "infinity"])
        namespace = lambda pid: os.stat(f"/proc/{pid}/ns/ipc").st_ino
        wait_until("its namespace", lambda: namespace(self.pid) != namespace("self"))


class Pod(Worker):
    """A worker in a namespace of its own."""

    def __init__(self, test, amount=1, segment=f"sysv:{KEY:#x}", through=IN_ITS_OWN, words=(), **options):
        super().__init__(test, segment, WORKER, amount, *words, through=through, **options)
        self.wait_for("counted")
        self.uid = f"ipc-{os.stat(f'/proc/{self.pid}/ns/ipc').st_ino}"

    def kill(self):
        os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def attack(context, pod, *words):
    """Attacks from within a pod."""
    through = ["nsenter", f"--target={pod.pid}", "--ipc", "--mount"]
    command = [*through, sys.executable, FOLDER / "hostile.py", *words]
    attacker = Process(context, f"hostile-{words[0]}", command, stdin=subprocess.PIPE)
    attacker.wait_for("begun")
    return attacker


def test_ten_namespaces_have_exact_totals(context):
    node = Node(context)
    pods = [Pod(context, amount) for amount in range(1, 11)]
    for amount, pod in enumerate(pods, 1):
        node.expect(pod.uid)
        assert node.jobs(pod.uid) == amount
        pod.count(100)
        assert node.jobs(pod.uid) == amount + 100
    targets = node.targets()
    for pod in pods:
        expected = {"node": "here", "ipc_namespace": pod.uid.removeprefix("ipc-")}
        assert targets[f"/pods/{pod.uid}/metrics"] == expected


def test_last_numbers_of_a_killed_namespace_arrive(context):
    node, pod = Node(context), Pod(context, 3)
    node.expect(pod.uid)
    assert node.jobs(pod.uid) == 3
    pod.count(4)
    pod.kill()
    node.expect(pod.uid, "ended")
    assert f"/pods/{pod.uid}/metrics" in node.targets()
    # Neither a part of the page nor a person's look at it are the scrape that is waited for.
    node.page(pod.uid, headers={"Promshm-Live": "1"})
    ask(node.address, f"/pods/{pod.uid}/metrics?name[]=jobs_total")
    time.sleep(0.5)
    samples = node.samples(pod.uid)
    assert samples['jobs_total{segment="0x70736d31",queue="mail"}'] == 7
    assert samples['promshm_worker_exits_total{kind="abrupt",segment="0x70736d31"}'] == 1
    assert samples['promshm_slots{segment="0x70736d31",state="inherited"}'] == 1
    node.expect_gone(pod.uid)
    assert f"/pods/{pod.uid}/metrics" not in node.targets()
    assert ask(node.address, f"/pods/{pod.uid}/metrics").status == 404
    wait_until("the namespace to be let go", lambda: node.descriptors_of(pod.uid) == 0)
    assert node.own()['promshm_node_let_go_total{after="scrape"}'] >= 1


def test_a_namespace_that_was_never_scraped_is_kept_for_a_while(context):
    node, pod = Node(context, "--node.keep=6s"), Pod(context, 3)
    node.expect(pod.uid)
    pod.kill()
    node.expect(pod.uid, "ended")
    node.expect_gone(pod.uid)
    assert node.own()['promshm_node_let_go_total{after="keep"}'] >= 1


def test_two_servers_both_get_the_last_numbers(context):
    node, pod = Node(context, "--web.linger-scrapes=2"), Pod(context, 3)
    node.expect(pod.uid)
    pod.kill()
    node.expect(pod.uid, "ended")
    assert node.jobs(pod.uid) == 3
    time.sleep(0.5)
    assert node.jobs(pod.uid) == 3, "the other server, on a connection of its own"
    node.expect_gone(pod.uid)


def test_pods_that_come_and_go_leave_nothing(context):
    # What else begins on this machine is held, too, so this exporter sees the test's own processes alone.
    proc, rounds = Proc(context), int(os.environ.get("PROMSHM_SOAK", 0)) * 300 or 3
    node, stay = Node(context, f"--node.proc={proc.folder}"), Pod(context, 5)
    proc.add(stay)
    node.expect(stay.uid)
    assert node.jobs(stay.uid) == 5
    before = node.holds()
    for _ in range(rounds):
        pods = [Pod(context, each, through=WITH_OBJECTS if each % 2 else IN_ITS_OWN) for each in range(1, 7)]
        for amount, pod in enumerate(pods, 1):
            proc.add(pod)
            node.expect(pod.uid)
            assert node.jobs(pod.uid) == amount
        for pod in pods:
            pod.kill()
            proc.remove(pod)
        for amount, pod in enumerate(pods, 1):
            node.expect(pod.uid, "ended")
            assert node.jobs(pod.uid) == amount
            node.expect_gone(pod.uid)
        wait_until("namespaces to be let go", lambda: not any(node.descriptors_of(pod.uid) for pod in pods))
        has_more = lambda: [(what, number) for what, number in node.holds().items() if number > before[what]]
        wait_until("all else to be let go", lambda: not has_more())
    assert node.jobs(stay.uid) == 5


@pytest.mark.parametrize("through", [WITH_OBJECTS, WITH_OBJECTS_LATE], ids=["at_once", "late"])
def test_objects_in_a_dev_shm_of_its_own_are_read(context, through):
    node, pod = Node(context), Pod(context, 6, segment="posix:/shop", through=through)
    node.expect(pod.uid)
    assert node.samples(pod.uid)['jobs_total{segment="shop",queue="mail"}'] == 6
    pod.count(1)
    pod.kill()
    node.expect(pod.uid, "ended")
    samples = node.samples(pod.uid)
    assert samples['jobs_total{segment="shop",queue="mail"}'] == 7
    assert samples['promshm_worker_exits_total{kind="abrupt",segment="shop"}'] == 1
    node.expect_gone(pod.uid)


@pytest.mark.parametrize("kind", ["forge", "many", "huge", "objects"])
def test_a_hostile_pod_changes_nothing_for_others(context, kind):
    node = Node(context, "--node.max-scrape-time=5s")
    good = [Pod(context, amount) for amount in (1, 2)]
    options = {"segment": "posix:/shop", "through": WITH_OBJECTS} if kind == "objects" else {}
    bad = Pod(context, 9, **options)
    for pod in [*good, bad]:
        node.expect(pod.uid)
    attacker = attack(context, bad, kind, *([] if kind == "objects" else [KEY]))
    if kind in ("many", "huge"):
        attacker.wait_for("done")
    for number in range(1, 6):
        answer = ask(node.address, f"/pods/{bad.uid}/metrics")
        assert answer.status in (200, 503), answer.body
        for amount, pod in enumerate(good, 1):
            pod.count(10)
            assert node.jobs(pod.uid) == amount + 10 * number
    assert node.process.poll() is None, node.output()
    memory = node.own()["process_resident_memory_bytes"]
    assert memory < 150 << 20, memory
    if kind == "many":
        assert node.refused("segments") > 0
        assert "segments" in node.pods()[bad.uid]["limited"]


def limited(context, limit, resource, many, few=()):
    """A node with that limit, the samples of a pod that is beyond it, and another pod, which has none left out. `many` and
    `few` are the further words of their workers."""
    node = Node(context, limit)
    beyond, within = Pod(context, 1, words=many), Pod(context, 2, words=few)
    for pod in (beyond, within):
        node.expect(pod.uid)
    samples = harness.workers_samples(node.page(beyond.uid))
    assert node.jobs(within.uid) == 2
    assert node.pods()[beyond.uid]["limited"] == [resource] and node.pods()[within.uid]["limited"] == []
    assert node.refused(resource) == 1
    return node, samples, within


def test_series_beyond_the_limit_are_left_out_of_their_own_page_alone(context):
    _, samples, _ = limited(context, "--node.max-series-per-pod=50", "series", many=["200"])
    assert 0 < len(samples) <= 50, len(samples)


def test_metrics_beyond_the_limit_are_left_out_of_their_own_page_alone(context):
    node, samples, few = limited(context, "--node.max-families-per-pod=20", "families", many=["0", "100"], few=["0", "5"])
    ones = {f'metric_{number}_total{{segment="{KEY:#x}"}}' for number in range(5)}
    assert len(samples) <= 20, len(samples)
    assert samples[f'jobs_total{{segment="{KEY:#x}",queue="mail"}}'] == 1, "metrics that were there first stay"
    assert ones <= node.samples(few.uid).keys()


def test_bytes_beyond_the_limit_are_left_out_of_their_own_page_alone(context):
    _, samples, _ = limited(context, "--node.max-bytes-per-pod=100K", "bytes", many=["2000"])
    assert 0 < len(samples) < 2000, len(samples)


def test_pods_beyond_the_limit_wait_until_another_has_gone(context):
    proc = Proc(context)
    node = Node(context, "--node.max-pods=2", f"--node.proc={proc.folder}")
    pods = [Pod(context, amount) for amount in (1, 2, 3)]
    for pod in pods[:2]:
        proc.add(pod)
        node.expect(pod.uid)
    assert node.refused("pods") == 0
    proc.add(pods[2])
    wait_until("a refusal", lambda: node.refused("pods"))
    assert sorted(node.pods()) == sorted(pod.uid for pod in pods[:2])
    for amount, pod in enumerate(pods[:2], 1):
        assert node.jobs(pod.uid) == amount
    pods[0].kill()
    proc.remove(pods[0])
    node.expect(pods[0].uid, "ended")
    assert node.jobs(pods[0].uid) == 1
    node.expect(pods[2].uid)
    assert node.jobs(pods[2].uid) == 3 and node.jobs(pods[1].uid) == 2
    assert sorted(node.pods()) == sorted(pod.uid for pod in pods[1:])


@pytest.mark.parametrize("of", ["one container", "a node"])
def test_namespaces_beyond_the_limit_wait_until_another_has_gone(context, of):
    proc, few = Proc(context), Pod(context, 2)
    flag, most = ("500", 8) if of == "one container" else ("1", 10)  # twice the most pods, and 8
    container = "ab" * 32
    cgroup = f"/system.slice/docker-{container}.scope" if of == "one container" else "/"
    node = Node(context, f"--node.max-pods={flag}", f"--node.proc={proc.folder}")
    watched = lambda: node.own()["promshm_node_namespaces"]
    sleepers = [Sleeper(context) for _ in range(most)]
    for sleeper in sleepers:
        proc.add(sleeper, cgroup)
    wait_until("all of them", lambda: watched() == most)
    assert node.refused("namespaces") == 0
    one_more = Pod(context, 3)
    proc.add(one_more, cgroup)
    wait_until("a refusal", lambda: node.refused("namespaces"))
    assert watched() == most and node.pods() == {}
    if of == "one container":  # it takes no room of others
        proc.add(few)
        node.expect(few.uid)
        assert node.jobs(few.uid) == 2
        one_more.uid = f"container-{container}"
    proc.remove(sleepers[0])
    node.expect(one_more.uid)
    assert node.jobs(one_more.uid) == 3


def test_processes_are_seldom_listed_while_none_begins_or_ends(context):
    # As the only process of its PID namespace, so that no other one is seen.
    alone = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    node = Node(context, poll="10ms", through=alone)
    count = lambda page, what: page[f"promshm_node_{what}_total"]

    def after(polls):
        def later_page():
            page = node.own()
            return page if count(page, "polls") > polls else None

        return wait_until("polls", later_page)

    before = after(10)
    page = after(count(before, "polls") + 100)
    polls, lists = (count(page, what) - count(before, what) for what in ("polls", "lists"))
    if pathlib.Path("/proc/sys/kernel/ns_last_pid").exists():
        assert lists <= polls / 8, (polls, lists)
    assert lists > 0, polls


def test_an_exporter_without_rights_reads_its_own_namespace(context):
    pod = Pod(context, 4)
    without = ["nsenter", f"--target={pod.pid}", "--ipc", "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    node = Node(context, through=without)
    node.expect(pod.uid)
    assert node.jobs(pod.uid) == 4
    pod.count(3)
    pod.kill()
    node.expect(pod.uid, "ended")
    assert node.jobs(pod.uid) == 7
    node.expect_gone(pod.uid)
    status = pathlib.Path(f"/proc/{node.pid}/status").read_text()
    assert int(re.search(r"CapEff:\s+(\w+)", status)[1], 16) & 1 << SYS_ADMIN == 0


def test_a_new_exporter_reads_the_same(context):
    first, pod = Node(context), Pod(context, 8)
    first.expect(pod.uid)
    before = harness.workers_samples(first.page(pod.uid))
    assert first.stop() == 0
    pod.count(2)
    second = Node(context)
    second.expect(pod.uid)
    after = harness.workers_samples(second.page(pod.uid))
    assert after.pop('jobs_total{segment="0x70736d31",queue="mail"}') == 10
    before.pop('jobs_total{segment="0x70736d31",queue="mail"}')
    assert after == before


def test_the_end_waits_for_numbers_that_only_this_exporter_has(context):
    node, pod = Node(context, "--web.linger=60s"), Pod(context, 8)
    node.expect(pod.uid)
    pod.kill()
    node.expect(pod.uid, "ended")
    node.send(signal.SIGTERM)
    node.wait_for("waiting for one more scrape")
    assert node.jobs(pod.uid) == 8
    assert node.wait() == 0


def test_variables_of_the_workers_become_labels(context):
    environment = {**os.environ, "APP_ENV": 'a"b', "PRIVATE": "no"}
    node, pod = Node(context, "--node.label=APP_ENV"), Pod(context, env=environment)
    node.expect(pod.uid)
    assert node.targets()[f"/pods/{pod.uid}/metrics"]["app_env"] == 'a"b'
    for name in ("DB_PASSWORD", "1A", "POD"):
        started = subprocess.run([EXPORTER, "node", f"--node.label={name}"], capture_output=True, text=True)
        assert started.returncode == 2 and name in started.stderr, started.stderr


def test_pages_are_below_the_prefix_and_behind_passwords(context):
    config = context.folder / "web.yml"
    hashed = "$2y$05$kxxzNbFBDUxCYZDsVVnOfudIv5oxAHRdFUVi8XnAFZ8zyT0Bt2SHO"
    config.write_text("basic_auth_users: {}\n")
    node, pod = Node(context, "--web.route-prefix=/x", f"--web.config.file={config}"), Pod(context)
    json_pods = lambda: json.loads(ask(node.address, "/x/pods", {"Accept": "application/json"}).body)["pods"]
    wait_until("the pod", lambda: pod.uid in [each["uid"] for each in json_pods()])
    target = next(each for each in json.loads(ask(node.address, "/x/sd").body) if pod.uid in str(each))
    assert target["labels"]["__metrics_path__"] == f"/x/pods/{pod.uid}/metrics"
    assert ask(node.address, f"/x/pods/{pod.uid}").getheader("Location") == f"/x/pods/{pod.uid}/"
    assert b'href="./metrics"' in ask(node.address, f"/x/pods/{pod.uid}/").body
    assert f"./pods/{pod.uid}/".encode() in ask(node.address, "/x/pods").body
    # Put in its place at once, and found by the next one who asks: a signal would close connections that have not asked yet.
    written = context.folder / "new.yml"
    written.write_text(f"basic_auth_users: {{me: '{hashed}'}}\n")
    written.rename(config)
    wait_until("passwords", lambda: ask(node.address, "/x/sd").status == 401)
    words = ["healthcheck", f"--web.listen-address={node.address}", "--web.route-prefix=/x"]
    assert subprocess.run([EXPORTER, *words]).returncode == 0


def test_a_prometheus_finds_each_pod_and_gets_its_last_numbers(context):
    node, pods = Node(context), [Pod(context, amount) for amount in (1, 2)]
    number = lambda pod: pod.uid.removeprefix("ipc-")
    pods.append(Pod(context, 3, words=["0", "0", number(pods[1])]))
    for pod in pods:
        node.expect(pod.uid)
    config = context.folder / "prometheus.yml"
    config.write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: pods
    http_sd_configs: [{{url: "http://{node.address}/sd", refresh_interval: 1s}}]
""")
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={context.folder / 'tsdb'}"]
    prometheus = harness.Prometheus(context, command=command)
    for amount, pod in enumerate(pods, 1):
        prometheus.expect(f'sum(jobs_total{{ipc_namespace="{number(pod)}"}})', {"{}": amount})
    # What claims to be another pod's is told as a claim, and has the labels of its own.
    forged = {f"exported_{name}": number(pods[1]) for name in ("instance", "ipc_namespace", "job", "node")}
    forged |= {"node": "here", "ipc_namespace": number(pods[2])}
    claims = ",".join(f'{name}="{value}"' for name, value in forged.items())
    prometheus.expect(f"count(forged_total{{{claims}}})", {"{}": 1})
    prometheus.expect(f'count({{ipc_namespace="{number(pods[1])}",__name__="forged_total"}})', {})
    pods[0].count(41)
    pods[0].kill()
    prometheus.expect(f'sum(max_over_time(jobs_total{{ipc_namespace="{number(pods[0])}"}}[1m]))', {"{}": 42})
    node.expect_gone(pods[0].uid)
    prometheus.expect(f'sum(jobs_total{{ipc_namespace="{number(pods[1])}"}})', {"{}": 2})


def snake(name):
    """A key of the operator's as Prometheus has it."""
    return re.sub("[A-Z]", lambda letter: f"_{letter.group().lower()}", name)


def documented_jobs():
    """The jobs for several nodes, by name."""
    text = (harness.ROOT / "docs/deployment.md").read_text()
    (block,) = re.findall(r"<!-- prometheus:nodes -->\n```yaml\n(.*?)```", text, re.DOTALL)
    return {job["job_name"]: job for job in yaml.safe_load(block)["scrape_configs"]}


def shipped(folder):
    text = (harness.ROOT / f"docker/kubernetes/overlays/{folder}/scrapeconfig.yaml").read_text()
    return yaml.safe_load(text)["spec"]


def test_documented_jobs_for_several_nodes_are_those_of_the_manifests():
    jobs, pods = documented_jobs(), shipped("node-pods")
    relabelings = [{snake(key): value for key, value in each.items()} for each in pods["relabelings"]]
    assert jobs["node-pods"]["relabel_configs"] == relabelings
    (found,) = pods["kubernetesSDConfigs"]
    expected = {**found, "role": "pod", "selectors": [{**each, "role": "pod"} for each in found["selectors"]]}
    assert jobs["node-pods"]["kubernetes_sd_configs"] == [expected]
    urls = lambda configs: [each["url"] for each in configs]
    assert urls(jobs["node-discovery"]["http_sd_configs"]) == urls(shipped("node-discovery")["httpSDConfigs"])


def two_nodes(context):
    """Two agents that differ in address and name; here both see the same pods."""
    first = Node(context, address="127.0.0.2:0", name="node-1")
    port = first.address.rsplit(":", 1)[1]
    return [first, Node(context, address=f"127.0.0.3:{port}", name="node-2")], port


def prometheus_of(context, job):
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}
    (context.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    files = [f"--config.file={context.folder / 'prometheus.yml'}", f"--storage.tsdb.path={context.folder / 'tsdb'}"]
    return harness.Prometheus(context, command=["prometheus", *files])


def test_prometheus_asks_the_agent_of_each_node_for_its_pods(context):
    nodes, port = two_nodes(context)
    pods = [Pod(context, amount) for amount in (1, 2)]
    for node, pod in itertools.product(nodes, pods):
        node.expect(pod.uid)
    job = documented_jobs()["node-discovery"]
    for number, each in enumerate(job["http_sd_configs"], 1):
        each["url"] = each["url"].replace(f"node-{number}.example:10200", nodes[number - 1].address)
        each["refresh_interval"] = "1s"
    numbers = [pod.uid.removeprefix("ipc-") for pod in pods]
    expected = {
        harness.series("", {"node": f"node-{number}", "ipc_namespace": inode}): amount
        for number, (amount, inode) in itertools.product((1, 2), enumerate(numbers, 1))
    }
    query = f'sum by (node, ipc_namespace) (jobs_total{{ipc_namespace=~"{"|".join(numbers)}"}})'
    prometheus_of(context, job).expect(query, expected)


def test_prometheus_asks_the_agent_of_a_pods_node_for_its_page(context):
    """What the Kubernetes API says of pods comes from a file here; all else is the documented job."""
    nodes, port = two_nodes(context)
    pods = [Pod(context, amount) for amount in (1, 2)]
    job = documented_jobs()["node-pods"]
    told = []
    for number, (node, pod) in enumerate(zip(nodes, pods), 1):
        node.expect(pod.uid)
        facts = {
            "pod_host_ip": node.address.rsplit(":", 1)[0],
            "pod_uid": pod.uid,
            "namespace": "shop",
            "pod_name": f"web-{number}",
            "pod_node_name": f"node-{number}",
        }
        told.append({"targets": [f"web-{number}:80"], "labels": {f"__meta_kubernetes_{key}": value for key, value in facts.items()}})
    (context.folder / "pods.json").write_text(json.dumps(told))
    del job["kubernetes_sd_configs"]
    job["file_sd_configs"] = [{"files": [str(context.folder / "pods.json")]}]
    job["relabel_configs"][0]["replacement"] = f"$1:{port}"
    prometheus = prometheus_of(context, job)
    labels = lambda number: {"namespace": "shop", "pod": f"web-{number}", "node": f"node-{number}"}
    expected = {harness.series("", labels(number)): number for number in (1, 2)}
    prometheus.expect("sum by (namespace, pod, node) (jobs_total)", expected)
