"""Workers that may not write the segment, because they run as another user: the exporter counts them."""

import glob
import os
import signal
import subprocess

import harness
import pytest

OWNER, STRANGER, READER = 33, 65534, 0
KEY = 0x70736D31
COUNTER = "$c = new Promshm\\Counter('jobs_total', 'Jobs.'); $c->inc();"
WAIT = "echo '.'; fgets(STDIN);"


@pytest.fixture(params=[f"sysv:{KEY}", "posix:/refused"])
def segment(context, request):
    """A segment that its owner alone may write."""
    context.copy(harness.EXTENSION, harness.EXPORTER)
    owner = worker(context, request.param, OWNER, COUNTER)
    assert owner.communicate() == ("", "") and owner.returncode == 0
    yield request.param
    context.remove_segment(KEY)
    subprocess.run(["rm", "-f", "/dev/shm/refused", *notices(request.param)])


def notices(segment):
    """Files by which workers that may not write the segment make themselves known."""
    namespace = os.stat("/proc/self/ns/ipc").st_ino
    name = "posix.refused" if segment.startswith("posix") else f"sysv.{namespace}.{KEY:08x}"
    return glob.glob(f"/dev/shm/.promshm.refused.{name}.*")


def worker(context, segment, uid, code):
    extension = context.folder / harness.EXTENSION.name
    words = harness.php(segment, "-r", code, settings=["promshm.mode=0644", "display_errors=stderr"], extension=extension)
    through = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return subprocess.Popen([*through, *map(str, words)], text=True, cwd="/", **pipes)


def refused_worker(context, segment, code=COUNTER + WAIT):
    """One that has been refused, and lives."""
    child = worker(context, segment, STRANGER, code)
    while (line := child.stdout.read(1)) != ".":
        assert line, child.stderr.read()
    return child


def refused(exporter):
    lines = [line for line in exporter.get().splitlines() if line.startswith("promshm_refused_processes")]
    return lines


def test_living_refused_workers_are_counted_and_warned_of_once(context, segment):
    exporter = harness.Exporter(context, segment, binary=context.folder / harness.EXPORTER.name)
    assert refused(exporter) == []
    children = [refused_worker(context, segment) for _ in range(3)]
    assert refused(exporter) == [f'promshm_refused_processes{{uid="{STRANGER}"}} 3']
    status = subprocess.run([harness.EXPORTER, "status", "--segment", segment], capture_output=True, text=True)
    assert f"3 processes of uid {STRANGER} may not write the segment" in status.stdout, status
    children[0].kill()
    children[0].wait()
    assert refused(exporter) == [f'promshm_refused_processes{{uid="{STRANGER}"}} 2']
    children[1].communicate("\n")
    assert refused(exporter) == [f'promshm_refused_processes{{uid="{STRANGER}"}} 1'], "a clean end"
    assert len(notices(segment)) == 1
    children[2].communicate("\n")
    assert refused(exporter) == [] and notices(segment) == []
    log = exporter.output()
    assert log.count("may not write the segment") == 1, log
    assert f"uid={STRANGER}" in log and "promshm.mode=0660" in log, log


def test_forked_child_of_a_refused_worker_is_no_second_one_until_it_counts(context, segment):
    exporter = harness.Exporter(context, segment, binary=context.folder / harness.EXPORTER.name)
    fork = "$pid = pcntl_fork(); echo getmypid() . '.'; if ($pid === 0) { fgets(STDIN); exit; }"
    parent = worker(context, segment, STRANGER, COUNTER + fork + "fgets(STDIN);")
    text = ""
    while text.count(".") < 2:  # each says when it runs
        text += parent.stdout.read(1) or pytest.fail(parent.stderr.read())
    (child,) = {int(number) for number in text.split(".")[:2]} - {parent.pid}
    assert refused(exporter) == [f'promshm_refused_processes{{uid="{STRANGER}"}} 1']
    parent.kill()
    parent.wait()
    assert refused(exporter) == [f'promshm_refused_processes{{uid="{STRANGER}"}} 0'], "the child holds nothing"
    os.kill(child, signal.SIGKILL)


def test_worker_that_is_let_in_takes_its_notice_away(context, segment):
    exporter = harness.Exporter(context, segment, binary=context.folder / harness.EXPORTER.name)
    again = "for ($i = 0; $i < 100; $i++) { usleep(100000); $c->inc(); if (Promshm\\Segment::status()['attached']) break; }"
    child = refused_worker(context, segment, f"{COUNTER} {WAIT} {again} {WAIT}")
    assert refused(exporter) == [f'promshm_refused_processes{{uid="{STRANGER}"}} 1']
    subprocess.run([harness.EXPORTER, "rm", "--segment", segment, "--yes"], check=True)
    child.stdin.write("\n")
    child.stdin.flush()
    assert child.stdout.read(1) == "."
    assert refused(exporter) == []
    assert notices(segment) == []
    child.communicate("\n")
