"""The agent of a node with real container runtimes: containerd as a kubelet asks it for pods, and Docker.

With cgroups as this machine has them, made by the runtime itself (cgroupfs) or by systemd. What is expected of their paths stands in
exporter/src/node/identity/tests.rs, too.
"""

import os
import signal

import cri
import pytest
from machine import IMAGE, WAITS, Agent, Machine, Work

UID = "57e67067-89e4-4001-bdd4-8632d39ea02b"
PARENTS = {
    "cgroupfs": f"/kubepods/besteffort/pod{UID}",
    "systemd": f"kubepods-besteffort-pod{UID.replace('-', '_')}.slice",
}
DRIVERS = ["cgroupfs", "systemd"]


@pytest.fixture(autouse=True)
def is_root():
    assert os.geteuid() == 0, "containers are tried as root only"


def played(context, machine, parent, counting, has_links=True):
    """A pod of a container that waits and these that count; with their work, by name."""
    sandbox = cri.Sandbox(machine.containerd(), machine.root, "shop", "web-0", UID, parent)
    sandbox.link("waits", sandbox.container("waits", IMAGE, WAITS, []))
    works = {name: Work(context, name) for name in counting}
    ids = {name: sandbox.container(name, IMAGE, work.command, work.mounts) for name, work in works.items()}
    for name in ids if has_links else []:
        sandbox.link(name, ids[name])
    return sandbox, works, ids


def kill(machine, containers):
    """Ends their processes as the kernel does when memory runs out."""
    for container in containers:
        for pid in machine.pids(container):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("driver", DRIVERS)
def test_pod_of_containerd_has_its_names_and_its_last_numbers_arrive(context, driver):
    machine = Machine(context, driver)
    agent = Agent(machine)
    sandbox, works, ids = played(context, machine, PARENTS[driver], ["fpm"])
    pod = agent.expect(UID)
    names = {"namespace": "shop", "pod": "web-0", "container": "fpm", "node": "here"}
    agent.expect_target(UID, names)
    # With cgroupfs the path names no runtime.
    assert pod["runtime"] == ("containerd" if driver == "systemd" else None)
    assert agent.jobs(UID) == 3
    works["fpm"].count(39)
    sandbox.wait_for("fpm", "counted\n", 2)
    kill(machine, [ids["fpm"], sandbox.id])
    sandbox.remove()
    agent.expect(UID, "ended")
    assert agent.jobs(UID) == 42


def test_container_that_begins_to_count_later_takes_back_the_name_of_the_first(context):
    machine = Machine(context, "systemd")
    agent = Agent(machine)
    sandbox, *_ = played(context, machine, PARENTS["systemd"], ["fpm"])
    agent.expect(UID)
    names = {"namespace": "shop", "pod": "web-0", "node": "here"}
    agent.expect_target(UID, {**names, "container": "fpm"})
    work = Work(context, "queue")
    sandbox.container("queue", IMAGE, work.command, work.mounts)
    sandbox.wait_for("queue", "counted\n", 1)
    assert agent.jobs(UID) == 6
    agent.expect_target(UID, names)


def test_container_whose_link_comes_late_gets_its_name(context):
    machine = Machine(context, "cgroupfs")
    agent = Agent(machine)
    sandbox, _, ids = played(context, machine, PARENTS["cgroupfs"], ["fpm"], has_links=False)
    agent.expect(UID)
    names = {"namespace": "shop", "pod": "web-0", "node": "here"}
    agent.expect_target(UID, names)
    sandbox.link("fpm", ids["fpm"])
    agent.expect_target(UID, {**names, "container": "fpm"})


def test_runtime_that_does_not_know_of_its_kubelets_systemd_is_understood(context):
    machine = Machine(context, "cgroupfs")
    agent = Agent(machine)
    played(context, machine, PARENTS["systemd"], ["fpm"])
    assert agent.expect(UID)["runtime"] == "containerd"
    agent.expect_target(UID, {"namespace": "shop", "pod": "web-0", "container": "fpm", "node": "here"})


@pytest.mark.parametrize("driver", DRIVERS)
def test_container_of_docker_is_a_target_and_its_last_numbers_arrive(context, driver):
    machine = Machine(context, driver)
    agent = Agent(machine)
    machine.docker()
    work = Work(context, "work")
    volumes = [f"--volume={path}:{path}:ro" for path in work.mounts]
    container = machine.run("docker", "run", "--detach", "--network=none", *volumes, IMAGE, *work.command)
    uid = f"container-{container}"
    assert agent.expect(uid)["runtime"] == "docker"
    assert agent.targets() == {f"/pods/{uid}/metrics": {"container_id": container[:12], "host": container[:12], "node": "here"}}
    assert agent.jobs(uid) == 3
    work.count(39)
    work.wait_for(lambda: machine.run("docker", "logs", container), 2)
    machine.run("docker", "kill", "--signal=KILL", container)
    agent.expect(uid, "ended")
    assert agent.jobs(uid) == 42
    machine.run("docker", "rm", container)
