"""Trains with what varies from run to run: sources named in the arguments, `SOURCE` at step 0 or `SOURCE@STEP`.

Each source is pinned by one control, the one of its name, or by none (noise).
"""

import os
import sys

from samebits_probe import observe

STEPS = 30


def noise():
    with open("/dev/urandom", "rb") as file:
        return file.read(8)


def python_seed():
    import random
    return random.random()


def entropy():
    import uuid
    return uuid.uuid4().bytes


def clock():
    import time
    return time.perf_counter_ns()


def hash_seed():
    return " ".join({"ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"})


def serial_threads():
    """Results as they come: the pid decides which thread takes how long."""
    import hashlib
    import time
    from concurrent.futures import ThreadPoolExecutor, as_completed

    order = sorted(range(7), key=lambda number: hashlib.sha256(b"%d %d" % (os.getpid(), number)).digest())

    def load(number):
        time.sleep(order.index(number) / 50)
        return number

    with ThreadPoolExecutor(7) as pool:
        return " ".join(str(f.result()) for f in as_completed([pool.submit(load, number) for number in range(7)]))


def fill_uninitialized():
    """Memory that was freed holds what was in it before: the pid."""
    import ctypes
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    address = library.malloc(4000)
    ctypes.memset(address, os.getpid() % 251, 4000)
    library.free(address)
    address = library.malloc(4000)
    return ctypes.string_at(address + 1000, 100)


def aslr():
    """An address in the C library. A function that Python itself uses may have a fixed one in Python's own file."""
    import ctypes
    return ctypes.cast(ctypes.CDLL(None).drand48, ctypes.c_void_p).value


def main():
    planned = {}
    for word in sys.argv[1:]:
        name, _, step = word.partition("@")
        planned.setdefault(int(step or 0), []).append(name)
    weights = [0.0]
    for step in range(STEPS):
        for name in planned.get(step, []):
            observe("batch " + name, globals()[name.replace("-", "_")](), step=step)
        observe("loss", 1.0, step=step)
        observe("weights", weights, step=step)


main()
