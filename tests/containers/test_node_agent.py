"""One exporter for all pods of a node: the shipped pods without their sidecar, and the agent as docs/deployment.md starts it,
with the capabilities of its manifest, found and scraped by a real Prometheus.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import unittest

import podman as engine
import yaml
from podman import harness, podman, run

_, START, SCRAPE = engine.commands("docs/deployment.md", "quickstart:node")
AGENT = "promshm-node"
ADDRESS = "127.0.0.1:10200"
MANIFEST = yaml.safe_load((harness.ROOT / "docker" / "kubernetes" / "node" / "daemonset.yaml").read_text())
WORKER = "localhost/promshm-worker:0.1.0"
PODS = 10

def setUpModule():
    engine.prepare()


class Node(unittest.TestCase):
    """Plays pods without a sidecar and starts the agent; removes both with the test."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promshm-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(podman, "pod", "rm", "--force", "--all", "--time=0")

    def start_agent(self, *more, without=()):
        """The documented command. Words may be added behind the program's `node`, capabilities left out."""
        words = shlex.split(START)
        for capability in without:
            at = words.index(capability)
            del words[at - 1 : at + 1]
        self.addCleanup(podman, "rm", "--force", "--time=0", "--ignore", AGENT)
        run(*words, *more, cwd=engine.clone())
        harness.wait_until("the agent", lambda: self.status("/-/healthy") == 200)

    def play(self, names):
        """The shipped pod without its sidecar, under each of these names."""
        manifest = run("docker/for_podman.py", "--without-sidecar", "docker/pod.yaml", cwd=harness.ROOT)
        (pod,) = yaml.safe_load_all(manifest)
        pods = [{**pod, "metadata": {**pod["metadata"], "name": name}} for name in names]
        run("podman", "play", "kube", "--network", "none", "-", input=yaml.safe_dump_all(pods))

    def load(self, jobs):
        """In each pod a further process that does so many jobs, all at once."""
        words = lambda name, count: ["-e", f"JOBS={count}", "-e", "JOB_SECONDS=0", "-e", "QUEUE=load", f"{name}-worker"]
        started = [
            harness.Process(self, f"load-{name}", ["podman", "exec", *words(name, count), "php", "/app/worker.php"]) for name, count in jobs.items()
        ]
        for each in started:
            self.assertEqual(each.wait(), 0, each.output())

    def status(self, path):
        try:
            return harness.ask(ADDRESS, path).status
        except OSError:
            return None  # not up yet

    def page(self, uid):
        """A pod's page as numbers; empty if there is none."""
        answer = harness.ask(ADDRESS, f"/pods/{uid}/metrics")
        return harness.parse(answer.body.decode()) if answer.status == 200 else {}

    def own_page(self):
        return harness.parse(harness.ask(ADDRESS, "/metrics").body.decode())

    def targets(self):
        """What /sd lists: the labels of each target by its key."""
        found = {}
        for group in json.loads(harness.ask(ADDRESS, "/sd").body):
            key = re.fullmatch(r"/pods/([\w-]+)/metrics", group["labels"]["__metrics_path__"]).group(1)
            found[key] = group["labels"]
        return found

    def uid(self, pod):
        return podman("pod", "inspect", pod, "--format={{.Id}}")

    def loaded(self, uid):
        """Jobs of the queue `load` on a pod's page, in all of its segments."""
        found = [value for name, value in self.page(uid).items() if name.startswith("jobs_processed_total{") and 'queue="load"' in name]
        return sum(found) if found else None

    def prometheus(self):
        config = yaml.safe_load((harness.ROOT / "docker" / "monitoring" / "node.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
        config["scrape_configs"][0]["http_sd_configs"][0]["refresh_interval"] = "1s"
        del config["rule_files"]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        words = ["prometheus", f"--config.file={self.folder / 'prometheus.yml'}", f"--storage.tsdb.path={self.folder / 'tsdb'}"]
        return harness.Prometheus(self, command=words)

    def logs(self):
        done = subprocess.run(["podman", "logs", AGENT], capture_output=True, text=True)
        return done.stdout + done.stderr

    def held(self):
        """What the agent's descriptors lead to."""
        return set(harness.descriptors(self.pid(AGENT)))

    def pid(self, container):
        return int(podman("inspect", container, "--format={{.State.Pid}}"))


class Manifest(unittest.TestCase):
    def test_the_documented_command_has_the_rights_of_the_manifest(self):
        words = shlex.split(START)
        given = lambda flag: [words[at + 1] for at, word in enumerate(words) if word == flag]
        spec = MANIFEST["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        security = container["securityContext"]
        self.assertEqual(given("--cap-add"), security["capabilities"]["add"])
        self.assertEqual(given("--cap-drop"), [each.lower() for each in security["capabilities"]["drop"]])
        self.assertEqual("no-new-privileges" in given("--security-opt"), not security["allowPrivilegeEscalation"])
        self.assertEqual("--read-only" in words, security["readOnlyRootFilesystem"])
        self.assertEqual(given("--pid") == ["host"], spec["hostPID"])
        self.assertEqual(words[-len(container["args"]) :], container["args"])
        self.assertEqual(words[-len(container["args"]) - 1], container["image"])
        self.assertEqual(shlex.split(SCRAPE)[1], "--config.file=docker/monitoring/node.yml")


class Quickstart(Node):
    def test_three_commands_in_a_fresh_clone_bring_a_counting_container_to_prometheus(self):
        """The first command has made the images: see podman.prepare."""
        self.start_agent()
        prometheus = harness.Prometheus(self, command=shlex.split(SCRAPE), cwd=engine.clone())
        self.addCleanup(podman, "rm", "--force", "--time=0", "--ignore", "counting")
        podman("run", "--detach", "--name=counting", "--network=none", "promshm-worker:0.1.0")
        container = podman("inspect", "counting", "--format={{.Id}}")[:12]
        prometheus.expect(f'count(jobs_processed_total{{container_id="{container}"}}) > bool 0', {"{}": 1})


class TenPods(Node):
    def test_each_pod_is_a_target_with_exact_totals_and_the_agent_may_restart(self):
        names = [f"pod-{n}" for n in range(PODS)]
        jobs = {name: 100 + n for n, name in enumerate(names)}
        self.play(names)
        self.load(jobs)
        self.start_agent()
        uids = {name: self.uid(name) for name in names}
        harness.wait_until("all pods", lambda: set(uids.values()) <= set(self.targets()))
        self.assertEqual({labels["pod_uid"] for labels in self.targets().values() if "pod_uid" in labels}, set(uids.values()))
        prometheus = self.prometheus()
        expected = {f'{{pod_uid="{uids[name]}"}}': count for name, count in jobs.items()}
        prometheus.expect('sum by (pod_uid) (jobs_processed_total{queue="load"})', expected)
        prometheus.expect('sum by (pod_uid) (job_duration_seconds_count{queue="load"})', expected)
        prometheus.expect('count(up{job="promshm",pod_uid!=""} == 1)', {"{}": PODS})
        prometheus.expect('up{job="promshm-node"}', {"up{}": 1})

        podman("kill", "--signal=KILL", AGENT)
        self.load({names[0]: 11})
        podman("start", AGENT)
        expected[f'{{pod_uid="{uids[names[0]]}"}}'] += 11
        prometheus.expect('sum by (pod_uid) (jobs_processed_total{queue="load"})', expected)

    def test_last_numbers_of_a_killed_pod_arrive(self):
        self.play(["victim", "neighbour"])
        self.start_agent()
        victim, namespace = self.uid("victim"), os.readlink(f"/proc/{self.pid('victim-worker')}/ns/ipc")
        prometheus = self.prometheus()
        harness.wait_until("the namespace to be held", lambda: namespace in self.held())
        self.load({"victim": 10, "neighbour": 5})
        total = f'sum(max_over_time(jobs_processed_total{{queue="load",pod_uid="{victim}"}}[10m]))'
        prometheus.expect(total, {"{}": 10})
        prometheus.send(signal.SIGSTOP)  # between two scrapes
        self.load({"victim": 32})
        podman("kill", "--signal=KILL", "victim-worker")
        podman("pod", "rm", "--force", "--time=0", "victim")
        prometheus.send(signal.SIGCONT)
        prometheus.expect(total, {"{}": 42})
        # It was scraped once since it ended, so its target and its series go.
        harness.wait_until("the target to go", lambda: victim not in self.targets())
        prometheus.expect(f'up{{pod_uid="{victim}"}}', {})
        harness.wait_until("the namespace to go", lambda: namespace not in self.held())
        self.assertEqual(self.loaded(self.uid("neighbour")), 5)


class Rights(Node):
    def test_without_any_of_its_capabilities_the_agent_reads_nothing(self):
        self.play(["probe"])
        self.load({"probe": 7})
        uid = self.uid("probe")
        self.start_agent()
        harness.wait_until("the pod's numbers", lambda: self.loaded(uid) == 7)
        for capability in MANIFEST["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"]["add"]:
            with self.subTest(without=capability):
                podman("rm", "--force", "--time=0", AGENT)
                self.start_agent(without=[capability])
                harness.wait_until("some looks at the node", lambda: self.own_page()["promshm_node_polls_total"] > 3)
                self.assertIsNone(self.loaded(uid), self.logs())

    def test_the_agent_has_three_capabilities_and_a_filter(self):
        self.start_agent()
        status = pathlib.Path(f"/proc/{self.pid(AGENT)}/status").read_text()
        bits = int(re.search(r"CapBnd:\t(\w+)", status).group(1), 16)
        self.assertEqual({bit for bit in range(64) if bits >> bit & 1}, {15, 19, 21}, "IPC_OWNER, SYS_PTRACE, SYS_ADMIN")
        self.assertEqual(re.search(r"NoNewPrivs:\t(\d)", status).group(1), "1")
        self.assertEqual(re.search(r"Seccomp:\t(\d)", status).group(1), "2")

    def test_segment_of_a_host_without_containers_is_a_target(self):
        """A process of the machine itself, in an IPC namespace that no container has."""
        script = "use Promshm\\Counter; (new Counter('host_total', 'h'))->incBy(3); echo 'ready'; fgets(STDIN);"
        words = ["unshare", "--ipc", *harness.php("sysv:0x70736d31", "-r", script)]
        worker = harness.Process(self, "host", words, stdin=subprocess.PIPE)
        worker.wait_for("ready")
        inode = os.stat(f"/proc/{worker.pid}/ns/ipc").st_ino
        self.start_agent()
        page = lambda: [value for name, value in self.page(f"ipc-{inode}").items() if name.startswith("host_total")]
        harness.wait_until("the host's numbers", lambda: page() == [3])


class Strangers(Node):
    HOSTILE = """
        // A valid segment whose numbers are garbage from the middle on; a thousand that claim its size and are small;
        // a truncated object, FIFOs, and a link to what is nobody's business.
        (new Promshm\\Counter('mine_total', 'x'))->inc();
        $all = shmop_open(0x70736d31, 'w', 0, 0);
        $head = shmop_read($all, 0, 8192);
        for ($key = 1; $key <= 1000; $key++) shmop_write(shmop_open($key, 'c', 0666, 8192), $head, 0);
        for ($at = 4096; $at + 4096 < min(shmop_size($all), 1 << 20); $at += 4096) shmop_write($all, str_repeat("\\xff", 512), $at);
        for ($n = 0; $n < 20; $n++) posix_mkfifo("/dev/shm/promshm-$n", 0666);
        file_put_contents('/dev/shm/promshm', $head);
        symlink('/proc/1/environ', '/dev/shm/promshm-link');
        echo "hostile";
        sleep(3600);
    """

    def test_hostile_pod_changes_nothing_for_the_others(self):
        self.play(["neighbour"])
        self.load({"neighbour": 9})
        self.start_agent()
        uid = self.uid("neighbour")
        harness.wait_until("the neighbour", lambda: self.loaded(uid) == 9)
        agent = self.pid(AGENT)
        words = ["--name=hostile", "--network=none", "--user=0", WORKER, "php", "-d", "promshm.mode=0666", "-r", self.HOSTILE]
        self.addCleanup(podman, "rm", "--force", "--time=0", "--ignore", "hostile")
        podman("run", "--detach", *words)
        harness.wait_until("the hostile pod", lambda: "hostile" in podman("logs", "hostile"))
        harness.wait_until("its target", lambda: any(key.startswith("container-") for key in self.targets()))
        for _ in range(5):
            for key in self.targets():
                harness.ask(ADDRESS, f"/pods/{key}/metrics")
            self.load({"neighbour": 1})
        self.assertEqual(self.loaded(uid), 14)
        self.assertGreater(self.own_page()['promshm_node_refused_total{reason="segments"}'], 0, "a thousand are too many")
        self.assertEqual(self.pid(AGENT), agent, "it is still the same process")
        self.assertEqual(podman("inspect", AGENT, "--format={{.State.Running}} {{.RestartCount}}"), "true 0")
        self.assertEqual(self.status("/-/healthy"), 200)
