"""Whose segments `--segment auto` reads: users of a machine beside each other, of whom one is malicious."""

import subprocess

import harness
import pytest

VICTIM, STRANGER, READER, GROUP = 33, 65534, 1000, 1000
COUNTER = "(new Promshm\\Counter('orders_total', 'Orders.'))->incBy(5);"
GAUGE = "(new Promshm\\Gauge('orders_total', 'Forged.'))->set(1e9); (new Promshm\\Gauge('orders', 'Forged.'))->set(1e9);"
KEY = 0x70736D31


@pytest.fixture(autouse=True)
def remove(context):
    """Names that other tests may use too."""
    yield
    for key in (KEY, *range(1, 21)):
        context.remove_segment(key)
    subprocess.run(["rm", "-f", "/dev/shm/0x70736d31", "/dev/shm/evil"])


@pytest.fixture
def run(context):
    """Runs PHP or the exporter as a user who is in a group of the same number, and in no other."""
    context.copy(harness.EXTENSION, harness.EXPORTER)

    def run(uid, *command):
        words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *map(str, command)]
        return subprocess.run(words, capture_output=True, text=True, timeout=harness.WATCHDOG, cwd="/")

    return run


@pytest.fixture
def count(context, run):
    def count(uid, segment, code, mode="0644"):
        extension = context.folder / harness.EXTENSION.name
        done = run(uid, *harness.php(segment, "-r", code, settings=[f"promshm.mode={mode}"], extension=extension))
        assert (done.returncode, done.stdout) == (0, ""), done

    return count


@pytest.fixture
def dump(context, run):
    """A page as the reader sees it, and the log."""

    def dump(*words, uid=READER, segment="auto"):
        done = run(uid, context.folder / harness.EXPORTER.name, "dump", "--segment", segment, *words)
        return done.stdout, done.stderr

    return dump


def orders(page):
    return [line for line in page.splitlines() if line.startswith("orders")]


def test_segment_of_an_untrusted_user_is_skipped_and_logged(count, dump):
    count(READER, f"sysv:{KEY}", COUNTER)
    count(STRANGER, "sysv:0x1", GAUGE)
    count(STRANGER, "posix:/evil", GAUGE)
    page, log = dump()
    assert orders(page) == ['orders_total{segment="0x70736d31"} 5']
    assert log.count("\n") == 1 and "level=warn" in log, log
    assert f"sysv:0x00000001 of uid {STRANGER}, posix:/evil of uid {STRANGER}" in log, log
    page, log = dump(uid=12345)
    assert page == "" and f"posix:/evil of uid {STRANGER}" in log and "--segment.trust" in log, log
    assert orders(dump(uid=0)[0]) == [], "root trusts root"


def test_trust_is_given_by_users_numbers_and_a_named_user_keeps_his_family(count, dump):
    count(VICTIM, f"sysv:{KEY}", COUNTER)
    count(STRANGER, "sysv:0x1", GAUGE)
    owner = 'orders_total{segment="0x70736d31"} 5'
    assert orders(dump()[0]) == []
    assert orders(dump(f"--segment.trust={VICTIM}")[0]) == [owner]
    page, log = dump(f"--segment.trust={VICTIM},any")
    assert orders(page) == ['orders{segment="0x00000001"} 1000000000', owner], "though the stranger's key is lower"
    assert "with another type" in log, log
    page, log = dump(f"--segment.trust={VICTIM},any", "--format=openmetrics")
    assert orders(page) == [owner], "and it takes no name that OpenMetrics makes of it"
    assert "passed over" not in log, log


def test_skipped_segments_are_logged_once(context, count, run):
    count(READER, f"sysv:{KEY}", COUNTER)
    for number in range(20):
        count(STRANGER, f"sysv:{number + 1}", GAUGE)
    through = ["setpriv", f"--reuid={READER}", f"--regid={READER}", "--clear-groups"]
    exporter = harness.Exporter(context, "auto", through, binary=context.folder / harness.EXPORTER.name)
    for _ in range(3):
        assert orders(exporter.get()) == ['orders_total{segment="0x70736d31"} 5']
    assert exporter.output().count("passed over") == 1, exporter.output()
    assert "and 12 more" in exporter.output()
    context.remove_segment(1)
    exporter.get()
    assert exporter.output().count("passed over") == 2 and "and 11 more" in exporter.output()


def test_known_segments_are_kept_and_the_number_of_segments_is_bounded(context, count, run):
    for key in (5, 6):
        count(READER, f"sysv:{key}", COUNTER)
    through = ["setpriv", f"--reuid={READER}", f"--regid={READER}", "--clear-groups"]
    binary = context.folder / harness.EXPORTER.name
    exporter = harness.Exporter(context, "auto", through, binary=binary, words=["--segment.max=2"])
    both = ['orders_total{segment="0x00000005"} 5', 'orders_total{segment="0x00000006"} 5']
    assert orders(exporter.get()) == both
    count(READER, "sysv:1", GAUGE)
    assert orders(exporter.get()) == both
    assert "sysv:0x00000001 beyond --segment.max" in exporter.output()


def test_an_object_that_is_called_like_a_key_gets_another_label(count, dump):
    count(READER, f"sysv:{KEY}", COUNTER)
    count(READER, "posix:/0x70736d31", COUNTER)
    found = orders(dump()[0])
    assert found == ['orders_total{segment="0x70736d31"} 5', 'orders_total{segment="posix:/0x70736d31"} 5']


def test_a_named_segment_that_others_may_write_must_be_a_trusted_users(count, dump):
    segment = "posix:/evil"
    count(VICTIM, segment, COUNTER)
    assert orders(dump(segment=segment)[0]) == ["orders_total 5"], "named, and the owner's alone"
    assert "not trust" in dump(f"--segment.trust={STRANGER}", segment=segment)[1], "the flag holds for named ones too"
    subprocess.run(["chmod", "666", "/dev/shm/evil"], check=True)
    page, log = dump(segment=segment)
    assert page == "" and f"of uid {VICTIM}, whom this process does not trust" in log, log
    assert orders(dump(f"--segment.trust={VICTIM}", segment=segment)[0]) == ["orders_total 5"]
    assert orders(dump("--segment.trust=any", segment=segment)[0]) == ["orders_total 5"]


def test_a_segment_of_a_group_of_the_reader_is_trusted_if_its_maker_is_in_it(context, count, run, dump):
    count(VICTIM, "posix:/evil", COUNTER, "0640")
    subprocess.run(["chgrp", str(GROUP), "/dev/shm/evil"], check=True)
    assert orders(dump()[0]) == ['orders_total{segment="evil"} 5']
    # The owner of System V memory may set any group and any owner: that says nothing of who made it.
    count(STRANGER, "sysv:0x1", GAUGE)
    give_away(0x1, uid=0, gid=GROUP)
    page, log = dump()
    assert orders(page) == ['orders_total{segment="evil"} 5']
    assert f"sysv:0x00000001 of uid {STRANGER}" in log, log


def give_away(key, uid, gid):
    """Changes owner or group as the segment's owner may: shmctl(IPC_SET), in a child."""
    code = f"""
import ctypes, os
os.setgid({STRANGER}); os.setuid({STRANGER})
libc = ctypes.CDLL(None, use_errno=True)
id = libc.shmget({key}, 0, 0)
stat = (ctypes.c_uint32 * 64)()
assert libc.shmctl(id, 2, stat) == 0, os.strerror(ctypes.get_errno())
assert (stat[1], stat[2], stat[3]) == ({STRANGER},) * 3, list(stat[:8])
stat[1], stat[2] = {uid}, {gid}
assert libc.shmctl(id, 1, stat) == 0, os.strerror(ctypes.get_errno())
"""
    subprocess.run(["python3", "-c", code], check=True)


def test_an_unexpected_owner_of_a_named_segment_is_a_warning_and_a_metric(context, count, run):
    segment = f"sysv:{KEY}"
    count(STRANGER, segment, COUNTER)
    through = ["setpriv", f"--reuid={READER}", f"--regid={READER}", "--clear-groups"]
    binary = context.folder / harness.EXPORTER.name

    def expected(words):
        exporter = harness.Exporter(context, segment, through, binary=binary, words=words)
        for _ in range(2):
            page = harness.parse(exporter.get())
        assert page["orders_total"] == 5
        exporter.end()
        return page["promshm_segment_owner_expected"], exporter.output().count("an unexpected user owns the segment")

    assert expected([]) == (0, 1)
    assert expected([f"--segment.trust={STRANGER}"]) == (1, 0)
    assert expected(["--segment.trust=any"]) == (1, 0)
    give_away(KEY, uid=STRANGER, gid=GROUP)
    assert expected([]) == (1, 0), "it is shared with a group of the exporter, as promshm.group does"
