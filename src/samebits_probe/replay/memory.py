"""What newly allocated memory holds, replay by replay: an operator that reads what nobody wrote then shows it.

glibc fills what `malloc` gives with the complement of M_PERTURB, which can be set while a process runs. Small pieces
come unfilled from the cache of a thread: the launcher turns that off in these trials (GLIBC_TUNABLES).
"""

import ctypes
import os

_M_PERTURB = -6  # malloc.h
# What the first replays find there; later ones are not slowed by it. The former is a huge number as float32 and
# float64; LAPACK's pivots, say, only tell zero from any other.
PATTERNS = (0x7F, 0x00)


class Memory:
    """`fill(pattern)` before a replay, `leave()` after it."""

    def __init__(self):
        self.why_not = ""
        self._set = None
        if os.environ.get("MALLOC_PERTURB_"):
            self.why_not = "the program runs with MALLOC_PERTURB_: memory has one content in every replay"
            return
        try:
            self._set = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(("mallopt", ctypes.CDLL(None)))
        except AttributeError:
            self.why_not = "this C library cannot fill the memory that it gives"

    def fill(self, pattern):
        """Memory allocated from now on holds this byte."""
        if self._set is not None:
            self._set(_M_PERTURB, ~pattern & 0xFF)

    def leave(self):
        """Memory is given as it is again."""
        if self._set is not None:
            self._set(_M_PERTURB, 0)
