"""Machines for container runtimes, within this one: containerd, Docker and what they need, with all that they make in the machine.

Their programs are unpacked in target/runtimes (scripts/container-runtimes.sh). The one image is empty but for a program that
waits; containers mount this machine's /usr, so that its PHP runs in them, and no registry is asked.
"""

import hashlib
import io
import itertools
import json
import os
import pathlib
import subprocess
import tarfile

import cri
import harness
from harness import EXTENSION, Process, ask, wait_until

HERE = pathlib.Path(__file__).parent
PROGRAMS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", harness.ROOT / "target")).resolve() / "runtimes/usr"
PATH = f"{PROGRAMS}/bin:{PROGRAMS}/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Debian's, whichever one the other tests take. It is a link into /etc, which containers have not.
PHP = os.path.realpath("/usr/bin/php")
IMAGE = "localhost/waits:1"
WAITS = ["/pause", "-P"]
INITS = {
    "cgroupfs": ["/usr/bin/catatonit", "-P"],
    "systemd": ["env", "-i", "container=test", "SYSTEMD_UNIT_PATH=/run/units", "/lib/systemd/systemd", "--system", "--unit=machine.target", "--log-target=console"],
}
CONTAINERD = """\
version = 2
root = "{root}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{image}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = {by_systemd}
"""


def archive(files):
    """A tar archive of folders (None), links (a text) and files (bytes)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            else:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)
    return packed.getvalue()


def image():
    """The image, as `docker save` writes one."""
    folders = dict.fromkeys(("usr", "etc", "proc", "sys", "dev", "tmp", "var", "run", "root"))
    links = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}
    layer = archive({**folders, **links, "pause": pathlib.Path("/usr/bin/catatonit").read_bytes()})
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": WAITS}, "rootfs": {"type": "layers", "diff_ids": [digest]}}
    manifest = [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]
    return archive({"manifest.json": json.dumps(manifest).encode(), "config.json": json.dumps(config).encode(), "layer.tar": layer})


class Machine(Process):
    """The first process, and what there is of the machine. `driver` is who makes cgroups: cgroupfs or systemd."""

    numbers = itertools.count(1)

    def __init__(self, context, driver):
        self.context, self.driver = context, driver
        self.number = next(Machine.numbers)
        self.name = f"promshm-runtimes-{os.getpid()}-{self.number}"
        context.addCleanup(self.remove_cgroups)
        # Not below /tmp: an overlay on a file system in memory is not possible everywhere.
        self.folder = PROGRAMS.parent / self.name
        self.folder.mkdir()
        context.addCleanup(subprocess.run, ["rm", "-rf", self.folder], check=True)
        (self.folder / "image.tar").write_bytes(image())
        super().__init__(context, f"machine-{self.number}", [HERE / "machine.sh", self.name, *INITS[driver]])
        self.first = wait_until("the first process", self.init)
        self.root = pathlib.Path(f"/proc/{self.first}/root")
        if driver == "systemd":
            wait_until("systemd", (self.root / "run/systemd/private").exists)

    def init(self):
        """The first process, once it is the program that it is to be."""
        assert self.process.poll() is None, self.output()
        program = next(word for word in INITS[self.driver] if word.startswith("/")).encode()
        for pid in harness.descendants(self.pid):
            try:
                if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(program):
                    return pid
            except OSError:
                pass  # one that prepared the machine, and has ended
        return None

    def remove_cgroups(self):
        """The machine's end leaves its cgroups, which are empty."""
        find = ["find", "/sys/fs/cgroup", "-depth", "-path", f"*/{self.name}*", "-type", "d"]
        subprocess.run([*find, "-exec", "rmdir", "{}", ";"], capture_output=True)
        left = lambda: subprocess.run(find, capture_output=True, text=True).stdout
        remove = lambda: subprocess.run([*find, "-exec", "rmdir", "{}", ";"], capture_output=True) and not left()
        wait_until("the cgroups to be empty", remove)

    def words(self, *words):
        """A command in the machine."""
        return ["nsenter", f"--target={self.first}", "--all", "env", f"PATH={PATH}", *map(str, words)]

    def run(self, *words):
        done = subprocess.run(self.words(*words), capture_output=True, text=True)
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}\n{self.context.logs()}"
        return done.stdout.strip()

    def start(self, name, *words):
        return Process(self.context, f"{name}-{self.number}", self.words(*words))

    def containerd(self):
        """containerd with its image; how it is asked for pods."""
        config = self.folder / "containerd.toml"
        by_systemd = str(self.driver == "systemd").lower()
        config.write_text(CONTAINERD.format(root=self.folder / "containerd", image=IMAGE, by_systemd=by_systemd))
        self.start("containerd", "containerd", "--config", config)
        service = cri.Cri(self.root, "run/containerd/containerd.sock")
        wait_until("containerd", service.is_ready)
        self.run("ctr", "--namespace=k8s.io", "images", "import", self.folder / "image.tar")
        return service

    def docker(self):
        """Docker with its image, and no network."""
        flags = ["--data-root", self.folder / "docker", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
        self.start("dockerd", "dockerd", *flags, "--exec-opt", f"native.cgroupdriver={self.driver}")
        is_up = lambda: subprocess.run(self.words("docker", "version"), capture_output=True).returncode == 0
        wait_until("Docker", is_up)
        self.run("docker", "load", "--input", self.folder / "image.tar")

    def pids(self, container):
        """This machine's numbers of the processes of a container."""
        found = []
        for pid in harness.descendants(self.first):
            try:
                cgroup = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
            except OSError:
                continue  # it has ended
            found += [pid] if container in cgroup else []
        return found


class Work:
    """A worker's command, and what it counts while it runs."""

    def __init__(self, context, name):
        self.context, self.folder = context, context.folder / name
        self.folder.mkdir()
        self.pipe = self.folder / "amounts"
        os.mkfifo(self.pipe)
        # Open for both, so that neither this one nor the worker waits for the other, and the end is never read.
        self.descriptor = os.open(self.pipe, os.O_RDWR)
        context.addCleanup(os.close, self.descriptor)
        settings = ["-d", f"extension={EXTENSION}", "-d", "promshm.segment=sysv:0x70736d31"]
        script = harness.ROOT / "tests/node/worker.php"
        self.command = ["sh", "-c", 'pipe=$1; shift; exec "$@" <"$pipe"', "sh", str(self.pipe), PHP, "-n", *settings, str(script), "3"]
        self.mounts = ["/usr", EXTENSION.parent, script.parent, self.folder]

    def count(self, amount):
        os.write(self.descriptor, f"{amount}\n".encode())

    def wait_for(self, log, times):
        """Waits until the worker has said so often that it counted."""
        wait_until("the count", lambda: log().count("counted") >= times)


class Agent(Process):
    """`promshm-exporter node` on a machine."""

    def __init__(self, machine):
        command = [harness.EXPORTER, "node", "--web.listen-address=127.0.0.1:0", "--node.poll=100ms", "--node.name=here"]
        super().__init__(machine.context, f"agent-{machine.number}", machine.words(*command))
        self.address = self.wait_for(r"""address"?[=:]"?([^\s"]+:\d+)""").group(1)

    def pods(self):
        answer = ask(self.address, "/pods", {"Accept": "application/json"})
        return {pod["uid"]: pod for pod in json.loads(answer.body)["pods"]}

    def expect(self, uid, state="live"):
        """Waits for a pod in that state."""
        return wait_until(f"{uid} to be {state}", lambda: (pod := self.pods().get(uid)) and pod["state"] == state and pod)

    def jobs(self, uid):
        """What the pod's workers have counted."""
        answer = ask(self.address, f"/pods/{uid}/metrics")
        assert answer.status == 200, answer.body
        return sum(value for series, value in harness.parse(answer.body.decode()).items() if series.startswith("jobs_total{"))

    def expect_target(self, uid, labels):
        """Waits until that is the only target: a name may be found a moment later, or taken back."""
        expected = {f"/pods/{uid}/metrics": labels}
        wait_until(f"{expected}", lambda: self.targets() == expected)

    def targets(self):
        """Labels of the targets by their paths, as Prometheus gets them."""
        found = json.loads(ask(self.address, "/sd").body)
        return {each["labels"].pop("__metrics_path__"): each["labels"] for each in found}
