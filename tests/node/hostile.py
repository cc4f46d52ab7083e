"""What a pod may do to the exporter of its node: run in an IPC namespace that has a segment under KEY, for as long as
its input is open.

    hostile.py forge KEY       write garbage over all but the header, again and again
    hostile.py many KEY        make 1,000 segments with that header, most of them holes
    hostile.py huge KEY        make segments of 1 TiB and of 32 GiB with that header
    hostile.py objects         in a /dev/shm of its own: a pipe, links, and an object that is truncated again and again
"""

import ctypes
import os
import random
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
CREATE, NO_RESERVE, PAGE = 0o1000, 0o10000, 4096


def attach(key, size=0, flags=0):
    found = libc.shmget(ctypes.c_int(key), ctypes.c_size_t(size), flags)
    if found < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    address = libc.shmat(found, None, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "shmat")
    return address


def header(key):
    return ctypes.string_at(attach(key), PAGE)


def forge(key):
    address, chance = attach(key), random.Random(7)
    size = 1 << 20
    while True:
        at = chance.randrange(PAGE, size, 8)
        ctypes.memmove(address + at, chance.randbytes(256), 256)


def many(key):
    head = header(key)
    for number in range(1000):
        ctypes.memmove(attach(key + 1 + number, 16 << 20, CREATE | NO_RESERVE | 0o666), head, PAGE if number % 2 else 8)


def huge(key):
    head = header(key)
    for number, size in enumerate([1 << 40, 32 << 30, 1 << 40]):
        ctypes.memmove(attach(key + 1 + number, size, CREATE | NO_RESERVE | 0o666), head, PAGE)


def objects():
    os.mkfifo("/dev/shm/pipe")
    os.symlink("/etc/passwd", "/dev/shm/link")
    os.symlink("/proc/self/root/dev/shm/object", "/dev/shm/self")
    with open("/dev/shm/shop", "rb") as file:
        whole = file.read(1 << 20)
    with open("/dev/shm/object", "wb") as file:
        file.write(whole)
        file.flush()
        while True:
            os.ftruncate(file.fileno(), PAGE)
            os.pwrite(file.fileno(), whole, 0)


def main():
    what = globals()[sys.argv[1]]
    words = [int(word, 0) for word in sys.argv[2:]]

    def attack():
        what(*words)
        print("done", flush=True)

    threading.Thread(target=attack, daemon=True).start()
    print("begun", flush=True)
    sys.stdin.read()


main()
