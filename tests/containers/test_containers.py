"""The shipped images and manifests as real containers, scraped by a real Prometheus.

Pods are played as docker/README.md says. Each container has a PID namespace and a user of its
own; the containers of a pod share its IPC namespace, and the machine's network.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import ssl
import struct
import subprocess
import tarfile
import tempfile
import unittest
import urllib.request

import podman as engine
import yaml
from podman import harness, podman, run

EXPORTER_PORT = 10200
POD = "promshm-worker"
VERSION = re.search(r'^version = "(.*)"$', (harness.ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
_, PLAY, SCRAPE = engine.commands("docker/README.md", "quickstart:podman")


def setUpModule():
    engine.prepare()


class Pods(unittest.TestCase):
    """Plays pods, and removes them with the test."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promshm-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # A container's monitor notes there, where it was started, that memory ran out.
        self.addCleanup((harness.ROOT / "oom").unlink, missing_ok=True)
        self.addCleanup(podman, "pod", "rm", "--force", "--all", "--time=0")

    def play(self, command=PLAY):
        run("sh", "-c", command, cwd=harness.ROOT)

    def play_worker(self):
        """The shipped pod, once its worker has counted."""
        self.play()
        return harness.wait_until("the worker's first job", lambda: total(self.page(), "mail") > 0)

    def page(self, scheme="http", **options):
        address = f"{scheme}://127.0.0.1:{EXPORTER_PORT}/metrics"
        try:
            with urllib.request.urlopen(address, timeout=harness.WATCHDOG, **options) as answer:
                return harness.parse(answer.read().decode())
        except OSError:
            return {}  # not up yet

    def dump(self, pod):
        """A pod's page without its network: by the binary in its exporter."""
        return harness.parse(podman("exec", f"{pod}-exporter", "/promshm-exporter", "dump"))

    def load(self, processes, jobs, container=f"{POD}-worker"):
        """Processes in the worker's container that do so many jobs each, all at once."""
        words = ["-e", f"JOBS={jobs}", "-e", "JOB_SECONDS=0", "-e", "QUEUE=load", container, "php", "/app/worker.php"]
        started = [harness.Process(self, f"load-{n}", ["podman", "exec", *words]) for n in range(processes)]
        for each in started:
            self.assertEqual(each.wait(), 0, each.output())

    def inspect(self, container, what):
        return podman("inspect", container, f"--format={{{{{what}}}}}")

    def prometheus(self):
        return harness.Prometheus(self, f"127.0.0.1:{EXPORTER_PORT}")


def total(page, queue):
    return page.get(f'jobs_processed_total{{queue="{queue}",status="ok"}}', 0)


def exits(page, kind):
    return page[f'promshm_worker_exits_total{{kind="{kind}"}}']


class Compose(Pods):
    """The worker and the exporter of compose.yml, each option of theirs translated for podman; the published ports are
    left out, because podman's own networks need more than each machine has."""

    FLAGS = {
        "ipc": lambda ipc: [f"--ipc={ipc.replace('service:', 'container:')}"],
        "group_add": lambda groups: [f"--group-add={group}" for group in groups],
        "read_only": lambda is_so: [f"--read-only={str(is_so).lower()}"],
        "cap_drop": lambda names: [f"--cap-drop={name}" for name in names],
        "security_opt": lambda options: [f"--security-opt={option.removesuffix(':true')}" for option in options],
        "user": lambda user: [f"--user={user}"],
        "stop_grace_period": lambda time: [f"--stop-timeout={time.removesuffix('s')}"],
    }
    OTHERS = {"image", "command", "ports", "depends_on"}

    def up(self, service):
        settings = yaml.safe_load((harness.ROOT / "docker" / "compose.yml").read_text())["services"][service]
        self.assertEqual(set(settings) - self.OTHERS - set(self.FLAGS), set(), "an option that this test does not know")
        flags = [flag for name, translate in self.FLAGS.items() if name in settings for flag in translate(settings[name])]
        podman("run", "--detach", "--replace", "--network=host", f"--name={service}", *flags, settings["image"], *settings["command"])

    def more_than(self, before):
        return harness.wait_until("a job", lambda: total(page := self.page(), "mail") > before and page)

    def test_worker_counts_in_the_exporters_namespace_and_the_next_one_continues(self):
        for service in ("exporter", "worker"):  # the worker goes first: it is in the exporter's namespace
            self.addCleanup(podman, "rm", "--force", "--time=0", "--ignore", service)
        self.up("exporter")
        self.up("worker")
        self.more_than(0)
        podman("rm", "--force", "--time=0", "worker")
        left = total(self.page(), "mail")
        self.up("worker")
        page = self.more_than(left)
        self.assertEqual((page["promshm_worker_starts_total"], exits(page, "abrupt")), (2, 1))


class Images(Pods):
    NAME = f"promshm-exporter:{VERSION}"
    WITH_TLS = f"{NAME}-tls"

    def files(self, image):
        """The files of an image, unpacked, by their names."""
        tree = self.folder / image.replace(":", "-")
        tree.mkdir()
        holder = podman("create", image, "never-started")
        self.addCleanup(podman, "rm", holder)
        archive = self.folder / "image.tar"
        podman("export", f"--output={archive}", holder)
        with tarfile.open(archive) as packed:
            packed.extractall(tree, filter="data")
        return {str(path.relative_to(tree)): path for path in tree.rglob("*") if path.is_file()}

    def test_the_exporter_is_one_small_static_binary(self):
        for image, limit in ((self.NAME, 3_050_000), (self.WITH_TLS, 4_300_000)):
            with self.subTest(image=image):
                files = self.files(image)
                self.assertEqual(set(files), {"promshm-exporter", "usr/share/sbom/promshm-exporter.cdx.json"})
                self.assertNotIn("INTERP", run("readelf", "--program-headers", files["promshm-exporter"]))
                self.assertLessEqual(int(podman("image", "inspect", "--format={{.Size}}", image)), limit)

    def test_the_bill_of_materials_names_its_crates(self):
        for image, has_tls in ((self.NAME, False), (self.WITH_TLS, True)):
            document = json.loads(self.files(image)["usr/share/sbom/promshm-exporter.cdx.json"].read_text())
            self.assertEqual(document["bomFormat"], "CycloneDX")
            names = {each["name"] for each in document["components"]}
            self.assertLessEqual({"clap", "prometheus", "promshm-segment"}, names)
            self.assertEqual("rustls" in names, has_tls, image)
            self.assertFalse(names & {"syn", "cc", "clap_derive"}, "crates that only the compiler runs")
            # What scanners match against advisories, and where each crate came from.
            crates = [each for each in document["components"] if not each["name"].startswith("promshm-")]
            for each in crates:
                self.assertEqual(each["purl"], f"pkg:cargo/{each['name']}@{each['version']}")
                self.assertEqual(len(each["hashes"][0]["content"]), 64, each["name"])
                self.assertTrue(each["licenses"], each["name"])
            known = {each["bom-ref"] for each in document["components"]}
            depended = {name for each in document["dependencies"] for name in each.get("dependsOn", [])}
            self.assertLessEqual(depended, known)

    def test_one_image_has_tls_and_the_other_names_it(self):
        self.folder.chmod(0o755)  # for the exporter's user
        pair = ["-keyout", "tls.key", "-out", "tls.crt", "-addext", "subjectAltName=IP:127.0.0.1"]
        run("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=exporter", *pair, cwd=self.folder)
        (self.folder / "tls.key").chmod(0o644)
        (self.folder / "web.yml").write_text("tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n")
        words = ["--network=host", f"--volume={self.folder}:/config:ro"]
        container = podman("run", "--detach", *words, self.WITH_TLS, "--web.config.file=/config/web.yml")
        self.addCleanup(podman, "rm", "--force", "--time=0", container)
        trust = ssl.create_default_context(cafile=self.folder / "tls.crt")
        page = harness.wait_until("the exporter", lambda: self.page("https", context=trust))
        self.assertIn(f'promshm_build_info{{version="{VERSION}"}}', page)
        podman("exec", container, "/promshm-exporter", "healthcheck")
        with self.assertRaisesRegex(AssertionError, "built without TLS; take one with it: the image whose tag ends in -tls"):
            podman("run", "--rm", *words, self.NAME, "--web.config.file=/config/web.yml")

    def test_exporter_prints_its_version(self):
        image = json.loads(podman("inspect", self.NAME))[0]
        self.assertEqual(image["User"], "65532:65532")
        self.assertEqual(image["Healthcheck"]["Test"], ["CMD", "/promshm-exporter", "healthcheck"])
        self.assertEqual(image["Labels"]["org.opencontainers.image.version"], VERSION)

    def test_the_exporter_runs_read_only_without_capabilities_and_checks_its_health(self):
        locked = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host"]
        container = podman("run", "--detach", *locked, self.NAME)
        self.addCleanup(podman, "rm", "--force", "--time=0", container)
        harness.wait_until("the exporter", self.page)
        podman("exec", container, "/promshm-exporter", "healthcheck")
        with self.assertRaisesRegex(AssertionError, "refused"):
            podman("exec", container, "/promshm-exporter", "healthcheck", "--web.listen-address=:1")


    def test_archives_for_other_machines_become_images_without_compiling(self):
        """Copies of the extension tell of another machine, libc or thread safety, which is read from the file itself."""
        run(harness.ROOT / "scripts/strip-extension.sh", harness.EXTENSION, self.folder)
        built = (self.folder / "promshm.so").read_bytes()
        php = re.match(r"php([0-9.]+)-", run(harness.ROOT / "scripts/abi-name.sh", self.folder / "promshm.so")).group(1)
        arm64 = built[:18] + struct.pack("<H", 183) + built[20:]
        zts = re.sub(rb"(API20\d{6},)NTS", rb"\1TS\0", built)
        self.assertNotIn(built, (arm64, zts))
        (self.folder / "dist").mkdir()
        wanted = {}
        for tag, arch, file in (
            ("", "amd64", built),
            ("", "arm64", arm64),
            ("-zts-alpine", "amd64", zts.replace(b"libc.so.6", b"libc.so\0\0")),
        ):
            self.pack(file)
            wanted[f"promshm-extension:{php}{tag}-{arch}"] = arch, file
        environment = {**os.environ, "ENGINE": "podman", "CARGO_TARGET_DIR": str(self.folder)}
        self.addCleanup(podman, "rmi", "--force", "--ignore", *wanted)
        run("docker/build.sh", "packed", cwd=harness.ROOT, env=environment)
        for image, (arch, file) in wanted.items():
            self.assertEqual(podman("image", "inspect", "--format={{.Architecture}}", image), arch)
            files = self.files(image)
            self.assertEqual(set(files), {"promshm.so", "promshm.ini"})
            self.assertEqual(files["promshm.so"].read_bytes(), file, image)

    def pack(self, extension):
        """An archive of a release, with the name that its content has."""
        file = self.folder / "promshm.so"
        file.write_bytes(extension)
        name = run(harness.ROOT / "scripts/abi-name.sh", file)
        run("tar", "-czf", self.folder / f"dist/php_promshm-v{VERSION}_{name}.tgz", "-C", self.folder, "promshm.so")


class Sharing(Pods):
    def test_a_real_prometheus_sees_exact_totals(self):
        """The quick start of docker/README.md, and load whose sum is known."""
        self.play_worker()
        self.load(processes=4, jobs=500)
        self.addCleanup(shutil.rmtree, harness.ROOT / "target" / "prometheus", ignore_errors=True)
        prometheus = harness.Prometheus(self, command=shlex.split(SCRAPE), cwd=harness.ROOT)
        seen = harness.wait_until("a scrape", lambda: prometheus.query('jobs_processed_total{queue="load"}'))
        self.assertEqual(list(seen.values()), [2000])
        self.assertEqual(list(prometheus.query('job_duration_seconds_count{queue="load"}').values()), [2000])

    def test_each_container_has_processes_and_a_user_of_its_own(self):
        self.play_worker()
        for container, user in (("worker", 1000), ("exporter", 65532)):
            pid = self.inspect(f"{POD}-{container}", ".State.Pid")
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertRegex(status, rf"Uid:\t{user}\t")
            self.assertRegex(status, r"NSpid:.*\t1\n")
            self.assertRegex(status, r"CapBnd:\t0{16}\n")
            self.assertIn("10200", re.search("Groups:(.*)", status).group(1).split())

    def test_the_exporter_cannot_write_the_segment(self):
        self.play_worker()
        nobody, worker = ["--user=65532:65532", "--group-add=10200"], ["--user=1000:1000"]
        self.assertEqual(self.attach("a", *nobody), "attached", "reading is what the group is for")
        self.assertEqual(self.attach("w", *nobody), "refused")
        self.assertEqual(self.attach("w", *worker), "attached", "the worker's own user may")
        self.assertEqual(self.attach("a", "--user=4242:4242"), "refused", "who is not in the group does not even read")

    def attach(self, mode, *user):
        """What the kernel says to a user who attaches the pod's segment: `a` to read, `w` to write."""
        script = 'echo @shmop_open(0x70736d31, $argv[1], 0, 0) ? "attached" : "refused";'
        process = self.inspect(f"{POD}-worker", ".State.Pid")
        place = ["--rm", f"--ipc=ns:/proc/{process}/ns/ipc", "--network=host"]
        return podman("run", *place, *user, f"promshm-worker:{VERSION}", "php", "-r", script, mode)

    def test_two_pods_do_not_see_each_other(self):
        self.play_worker()
        self.play(PLAY.replace("--network host", "--network none").replace("|", "| sed 's/name: promshm-worker$/name: other/' |"))
        self.load(processes=2, jobs=100)
        self.load(processes=1, jobs=7, container="other-worker")
        self.assertEqual(total(self.page(), "load"), 200)
        self.assertEqual(total(self.dump("other"), "load"), 7)


class Restarts(Pods):
    def test_the_workers_container_restarts_and_counts_go_on(self):
        """The new container's process ids start from 1 again, and must not be taken for the former processes."""
        self.play_worker()
        self.load(processes=3, jobs=100)
        before, process = self.page(), self.inspect(f"{POD}-worker", ".State.Pid")
        podman("restart", f"{POD}-worker")
        self.assertNotEqual(self.inspect(f"{POD}-worker", ".State.Pid"), process)
        harness.wait_until("the new worker", lambda: total(self.page(), "mail") > total(before, "mail"))
        self.load(processes=2, jobs=50)
        after = self.page()
        self.assertEqual((total(before, "load"), total(after, "load")), (300, 400))
        self.assertEqual(exits(after, "abrupt"), 0, "SIGTERM was heard")
        self.assertEqual(exits(after, "clean"), 3 + 1 + 2)

    def test_the_sidecar_restarts_and_nothing_is_lost(self):
        self.play_worker()
        self.load(processes=2, jobs=100)
        podman("kill", "--signal=KILL", f"{POD}-exporter")
        self.load(processes=2, jobs=50)
        podman("start", f"{POD}-exporter")
        page = harness.wait_until("the exporter", self.page)
        self.assertEqual(total(page, "load"), 300)

    def test_worker_killed_for_memory_is_a_crash_and_leaves_the_gauge(self):
        self.play_worker()
        busy = 'jobs_in_flight{queue="eater"}'
        eater = (
            'use Promshm\\{Gauge, GaugeMode}; $busy = new Gauge("jobs_in_flight", "Jobs being worked on right now.", ["queue"], '
            'GaugeMode::Sum); $busy->inc(["eater"]); fgets(STDIN); for (;;) { $all[] = str_repeat("x", 1 << 20); }'
        )
        command = ["podman", "exec", "-i", f"{POD}-worker", "php", "-d", "memory_limit=-1", "-r", eater]
        process = harness.Process(self, "eater", command, stdin=subprocess.PIPE)
        harness.wait_until("the worker's gauge", lambda: self.page().get(busy) == 1)
        self.assertEqual(exits(self.page(), "abrupt"), 0)
        process.process.stdin.write(b"eat\n")
        process.process.stdin.flush()
        self.assertEqual(process.wait(), 137, process.output())
        self.assertEqual(self.out_of_memory_kills(), 1, "the kernel's own count")
        page = harness.wait_until("the crash", lambda: exits(self.page(), "abrupt") == 1 and self.page())
        self.assertEqual(page.get(busy, 0), 0)
        self.assertEqual(page['promshm_slots{state="live"}'], 1, "the other worker lives")
        self.assertEqual(self.inspect(f"{POD}-worker", ".State.Status"), "running")

    def out_of_memory_kills(self):
        """The number of OOM kills in the worker's container, from cgroup version 1 or 2."""
        files = "cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2>/dev/null || true"
        found = re.findall(r"^oom_kill (\d+)$", podman("exec", f"{POD}-worker", "sh", "-c", files), re.MULTILINE)
        (kills,) = map(int, found)
        return kills

    def test_removed_pod_leaves_no_objects(self):
        self.play_worker()
        self.load(processes=1, jobs=100)
        namespace = os.readlink(f"/proc/{self.inspect(f'{POD}-worker', '.State.Pid')}/ns/ipc")
        self.assertIn(namespace, namespaces())
        podman("pod", "rm", "--force", POD)
        self.assertNotIn(namespace, namespaces(), "its objects lived in it")
        self.play_worker()
        self.assertEqual(total(self.page(), "load"), 0, "the next pod begins anew")


class Jobs(Pods):
    def test_last_numbers_of_a_job_are_scraped(self):
        """Prometheus comes when the job is long over, and the sidecar has been told to stop."""
        self.play(PLAY.replace("pod.yaml", "job.yaml"))
        self.assertEqual(podman("wait", "promshm-job-job"), "0")
        # What the kubelet does with sidecars once the last container has ended.
        stopping = harness.Process(self, "stop", ["podman", "stop", "--time=90", "promshm-job-exporter"])
        harness.wait_until("the exporter to linger", lambda: "one more scrape" in self.exporters_log())
        prometheus = self.prometheus()
        self.assertEqual(stopping.wait(), 0)
        found = prometheus.query('max_over_time(jobs_processed_total{queue="nightly"}[5m])')
        self.assertEqual(list(found.values()), [50])

    def exporters_log(self):
        done = subprocess.run(["podman", "logs", "promshm-job-exporter"], capture_output=True, text=True)
        return done.stdout + done.stderr


class Dashboard(Pods):
    def test_each_dashboard_expression_has_a_result(self):
        """Each expression with Grafana's variables replaced, evaluated by a Prometheus that scrapes a real pod."""
        self.play_worker()
        prometheus = self.prometheus()
        harness.wait_until("some scrapes", lambda: prometheus.query("count_over_time(promshm_up[1m]) > 3"))
        # The others are asked of a php-fpm that is observed: tests/fpm/test_observed_requests.py.
        targets = [each for each in harness.dashboard_expressions() if "php_" not in each]
        self.assertGreater(len(targets), 15)
        for expression in targets:
            with self.subTest(expression=expression):
                # Nobody holds a generation up here, so that there is nothing to name.
                is_empty = "promshm_generation_blocked_by" in expression
                self.assertEqual(not prometheus.query(expression), is_empty)


def namespaces():
    """The IPC namespaces that any process is in."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*/ns/ipc"):
        try:
            found.add(os.readlink(process))
        except OSError:
            continue  # it has just ended
    return found
