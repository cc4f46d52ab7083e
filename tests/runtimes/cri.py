"""What a kubelet does, without one: containerd with its CRI plugin is asked over gRPC to run the sandbox of a pod and containers in it.

curl speaks HTTP/2 to the socket, and the few messages are written here, so that no gRPC library is needed. Fields have
the numbers of Kubernetes' runtime.v1; a nested message is a dict, a repeated field a list.
"""

import pathlib
import subprocess
import tempfile

from harness import wait_until

POD, CONTAINER, NODE = 0, 1, 2  # runtime.v1.NamespaceMode


def varint(number):
    """Seven bits a byte, the least first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def encoded(message):
    """A message in protobuf's wire format."""
    out = b""
    for number, value in message.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int):
                out += varint(number << 3) + varint(each)
            else:
                payload = encoded(each) if isinstance(each, dict) else each.encode()
                out += varint(number << 3 | 2) + varint(len(payload)) + payload
    return out


def first_text(message):
    """Field 1 of an answer: an ID of less than 128 bytes."""
    assert message[:1] == b"\x0a", message
    return message[2 : 2 + message[1]].decode()


class Cri:
    """The runtime service at a socket of a machine."""

    def __init__(self, root, socket):
        self.socket = root / socket

    def call(self, method, message):
        """The answer's bytes, or an error with what the service said."""
        payload = encoded(message)
        with tempfile.TemporaryDirectory() as folder:
            request, headers = pathlib.Path(folder, "request"), pathlib.Path(folder, "headers")
            request.write_bytes(b"\0" + len(payload).to_bytes(4, "big") + payload)
            words = ["curl", "--silent", "--show-error", "--http2-prior-knowledge", "--unix-socket", self.socket]
            words += ["--header", "content-type: application/grpc", "--header", "te: trailers", "--dump-header", headers]
            words += ["--data-binary", f"@{request}", f"http://localhost/runtime.v1.RuntimeService/{method}"]
            done = subprocess.run(words, capture_output=True, check=True)
            told = headers.read_text().lower().splitlines()
        assert "grpc-status: 0" in told, f"{method}: {told} {done.stdout}"
        return done.stdout[5:]

    def is_ready(self):
        try:
            self.call("Version", {})
        except (subprocess.CalledProcessError, AssertionError):
            return False
        return True


class Sandbox:
    """A pod on the network of the node, its cgroup and its logs where the kubelet has them."""

    def __init__(self, cri, root, namespace, name, uid, cgroup_parent):
        self.cri = cri
        self.shared = {1: NODE, 2: CONTAINER, 3: POD}
        self.directory = f"/var/log/pods/{namespace}_{name}_{uid}"
        self.name, self.namespace = name, namespace
        # The same as this machine sees them.
        self.logs = root / self.directory[1:]
        self.links = root / "var/log/containers"
        self.logs.mkdir(parents=True)
        self.links.mkdir(exist_ok=True)
        self.config = {
            1: {1: name, 2: uid, 3: namespace, 4: 0},
            3: self.directory,
            6: [{1: "io.kubernetes.pod.namespace", 2: namespace}, {1: "io.kubernetes.pod.name", 2: name}],
            8: {1: cgroup_parent, 2: {1: self.shared}},
        }
        self.id = first_text(cri.call("RunPodSandbox", {1: self.config}))

    def container(self, name, image, command, mounts):
        """Starts a container; its ID."""
        (self.logs / name).mkdir()
        config = {
            1: {1: name, 2: 0},
            2: {1: image},
            3: [str(word) for word in command],
            7: [{1: str(path), 2: str(path), 3: 1} for path in mounts],
            9: [{1: "io.kubernetes.container.name", 2: name}],
            11: f"{name}/0.log",
            15: {2: {3: self.shared}},
        }
        answer = self.cri.call("CreateContainer", {1: self.id, 2: config, 3: self.config})
        container = first_text(answer)
        self.cri.call("StartContainer", {1: container})
        return container

    def link(self, name, container):
        """Makes the link to its log, as the kubelet does once a container runs."""
        (self.links / f"{self.name}_{self.namespace}_{name}-{container}.log").symlink_to(f"{self.directory}/{name}/0.log")

    def wait_for(self, name, line, times):
        """Waits until a container has written that so often."""
        log = self.logs / name / "0.log"
        wait_until(f"{line!r} in {log}", lambda: log.read_text().count(line) >= times)

    def remove(self):
        self.cri.call("StopPodSandbox", {1: self.id})
        self.cri.call("RemovePodSandbox", {1: self.id})
