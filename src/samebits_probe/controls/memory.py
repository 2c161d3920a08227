"""What memory holds before the program has written to it, and where it lies."""

import ctypes

from .control import Control
from .variables import at_start_of_process

_PERTURB = 85  # 0x55: freed memory gets this byte, new memory its complement
_FILLED = 0xAA
_NO_RANDOMIZE = 0x0040000


class FillUninitialized(Control):
    """Fills memory when it is allocated (CPU, GNU C library), so that what was never written has one content."""

    id = "fill-uninitialized"
    # the cache of a thread gives memory back unfilled
    joined = {"GLIBC_TUNABLES": ("glibc.malloc.tcache_count=0",)}
    holds_variables = False  # read before Python begins

    @classmethod
    def environment(cls, seed):
        return {"MALLOC_PERTURB_": str(_PERTURB)}

    def read_back(self):
        if all(_new_memory(size) == bytes([_FILLED]) * size for size in (24, 1000, 300000)):
            return True, ""
        if at_start_of_process("MALLOC_PERTURB_") != str(_PERTURB):
            return False, "this process was started without MALLOC_PERTURB_"
        return False, "this C library does not fill the memory that it gives"


def _new_memory(size):
    """Content of memory as malloc gives it."""
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    address = library.malloc(size)
    try:
        return ctypes.string_at(address, size)
    finally:
        library.free(address)


class Aslr(Control):
    """Gives each process the same address layout, so that sets of objects, ordered by address, have one order."""

    id = "aslr"
    implies = ("hash-seed",)

    def read_back(self):
        try:
            with open("/proc/self/personality") as file:
                fixed = int(file.read(), 16) & _NO_RANDOMIZE
        except OSError:
            return None, "/proc/self/personality cannot be read here"
        return (True, "") if fixed else (False, "the system gave this process a random address layout")
