"""Whatever stands in the memory, the page stays one that strict readers take: words and bytes of a segment are
overwritten at random, and each format is read again."""

import ctypes
import math
import os
import random
import struct
import subprocess

import harness
import prometheus_client.openmetrics.parser
import prometheus_client.parser
import pytest

ROUNDS = 2000 if "PROMSHM_SOAK" in os.environ else 120
SIZE = 8 << 20
PARSERS = {"text": prometheus_client.parser, "openmetrics": prometheus_client.openmetrics.parser}

CODE = """
$c = new Promshm\\Counter('jobs_total', 'Jobs.', ['queue']);
$h = new Promshm\\Histogram('seconds', 'Time.', ['queue'], [0.5, 1, 2]);
$s = new Promshm\\Summary('bytes', 'Sizes.', ['queue'], 600, [0.5, 0.9]);
foreach (range(1, 20) as $n) {
    $c->incBy($n, ["q$n"], ['trace_id' => "trace$n"]);
    $h->observe($n / 8, ["q$n"], ['trace_id' => "trace$n"]);
    $s->observe($n, ["q$n"]);
    (new Promshm\\Gauge("gauge$n", 'Level.'))->set($n);
}
echo "counted";
"""

NUMBERS = [math.nan, -1.0, -0.5, 0.5, math.inf, -math.inf, 1e300, 1.7976931348623157e308, 5e-324]
WORDS = [struct.pack("<d", number) for number in NUMBERS] + [b"\xff" * 8, b"\0" * 8, b"\x01" + b"\0" * 7]
BYTES = [b"\0", b"\n", b'"', b"\\", b"\xff", b"\x80", b"_", b"{", b"9", b"\r"]


class Memory:
    """A System V segment, mapped to be written."""

    def __init__(self, key):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        self.address = libc.shmat(libc.shmget(ctypes.c_int(key), ctypes.c_size_t(0), 0), None, 0)
        assert self.address != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
        self.whole = ctypes.string_at(self.address, SIZE)

    def write(self, offset, data):
        ctypes.memmove(self.address + offset, data, len(data))

    def restore(self):
        self.write(0, self.whole)


@pytest.fixture
def memory(context):
    """The segment that a worker has left; what its cells and texts hold stays after it."""
    command = harness.php(context.segment, "-r", CODE, settings=[f"promshm.size={SIZE}"])
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"counted"
    return Memory(context.key)


def forge(chance, memory, used):
    for _ in range(chance.choice([1, 1, 2, 8, 64])):
        offset = chance.choice(used)
        if chance.random() < 0.6:
            memory.write(offset, chance.choice(WORDS))
        else:
            memory.write(offset + chance.randrange(8), chance.choice(BYTES))


def read(segment, form):
    """A page as its parser reads it, by the names of samples; nothing where there is no page."""
    command = [harness.EXPORTER, "dump", "--segment", segment, "--format", form]
    done = subprocess.run(command, capture_output=True, timeout=harness.WATCHDOG)
    assert done.returncode in (0, 1), done.stderr
    try:
        families = list(PARSERS[form].text_string_to_metric_families(done.stdout.decode()))
    except ValueError as error:
        raise AssertionError(f"{error}\n{done.stdout}") from error
    return {sample.name for family in families for sample in family.samples}


def test_corrupt_memory_gives_valid_pages(context, memory):
    # Counts and exemplars first: the header is a small part of the memory, and what it loses is lost as a whole.
    used = [offset for offset in range(4096, SIZE, 8) if memory.whole[offset : offset + 8] != b"\0" * 8]
    assert len(used) > 500
    with_counters = 0
    for round in range(ROUNDS):
        chance = random.Random(round)
        memory.restore()
        forge(chance, memory, used)
        try:
            found = {form: read(context.segment, form) for form in PARSERS}
        except AssertionError as error:
            raise AssertionError(f"round {round}") from error
        with_counters += "jobs_total" in found["openmetrics"] and "seconds_bucket" in found["openmetrics"]
    assert with_counters > ROUNDS / 2, "the others show little"


def places(memory, number):
    """Where a number stands."""
    word = struct.pack("<d", number)
    return [offset for offset in range(0, SIZE, 8) if memory.whole[offset : offset + 8] == word]


def test_every_kind_of_corrupt_number_gives_a_valid_page(context, memory):
    """All words that hold a series' number, as cells, samples and exemplars do, hold each of them once."""
    for offsets in (places(memory, 17.0), places(memory, 17 / 8), places(memory, 1.0)):
        assert len(offsets) > 1
        for word in WORDS:
            memory.restore()
            for offset in offsets:
                memory.write(offset, word)
            for form in PARSERS:
                assert {"jobs_total", "gauge3"} <= read(context.segment, form)
