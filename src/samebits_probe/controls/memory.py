"""What memory holds before the program has written to it, and where it lies."""

import ctypes

from .control import Control
from .variables import at_start_of_process

_PERTURB = 85  # 0x55: freed memory gets this byte, new memory its complement
_FILLED = 0xAA
# of personality(2): fixed addresses; and the layout of old kernels, in which memory grows from the bottom up
_NO_RANDOMIZE, _COMPAT_LAYOUT = 0x0040000, 0x0200000


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
    value = "fixed"
    values = "fixed, or compat (fixed too, as old kernels laid memory out)"

    @classmethod
    def accepts(cls, value):
        return value in ("fixed", "compat")

    @classmethod
    def personality(cls):
        """Flags of personality(2) to start the process with."""
        return _NO_RANDOMIZE | (_COMPAT_LAYOUT if cls.value == "compat" else 0)

    def read_back(self):
        try:
            with open("/proc/self/personality") as file:
                found = int(file.read(), 16) & (_NO_RANDOMIZE | _COMPAT_LAYOUT)
        except OSError:
            return None, "/proc/self/personality cannot be read here"
        if not found & _NO_RANDOMIZE:
            return False, "the system gave this process a random address layout"
        return (True, "") if found == self.personality() else (False, "the process has the other fixed address layout")
