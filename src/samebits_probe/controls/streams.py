"""Deterministic streams of bytes, which replace entropy."""

import hashlib
import itertools
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import builtins


class Stream:
    """A stream of bytes that depends on a seed, a name, the place of the process, and the number of earlier draws.

    Threads may draw from it. A child process draws different bytes than its parent and its siblings.
    """

    def __init__(self, seed: int, name: str) -> None:
        self._key = ("%d %s" % (seed, name)).encode()
        self._count = itertools.count()

    def bytes(self, number: int) -> "builtins.bytes":
        """Return `number` bytes."""
        start = "%d %s" % (next(self._count), _place())
        blocks = (
            hashlib.blake2b(("%s %d" % (start, block)).encode(), key=self._key[:64]).digest()
            for block in range((number + 63) // 64)
        )
        return b"".join(blocks)[:number]

    def bits(self, number: int) -> int:
        """Return an integer of at most `number` bits."""
        return int.from_bytes(self.bytes((number + 7) // 8), "little") >> (-number % 8)


def _place() -> str:
    """Return the place of the process among its siblings, independent of its pid."""
    processes = sys.modules.get("multiprocessing.process")
    identity = getattr(getattr(processes, "_current_process", None), "_identity", ())
    return "%s %s" % (os.environ.get("RANK", ""), ".".join(str(number) for number in identity))
