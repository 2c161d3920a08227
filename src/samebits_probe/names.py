"""Keeps the names left by earlier trials as a text whose length does not depend on their number.

The bits of a program may depend on addresses: the order of a set of objects does. Such a program repeats if its
addresses are held. So the probe must not need more memory in one trial than in the next.
"""

import binascii
import os

try:
    from _blake2 import blake2b  # hashlib imports OpenSSL, which takes longer than the import of the whole probe
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

__all__ = ["MOST", "NONE", "holds", "table"]

MOST = 2000
_BYTES, _WIDTH = 6, 8  # the bytes of the digest of a name, and its characters in base 64
NONE = "~" * (MOST * _WIDTH)  # this character is not in base 64, and sorts after all that are


def table(paths: "Iterable[str]") -> str:
    """Return a table of paths for `holds`: a text with room for MOST paths."""
    return "".join(sorted({_digest(path) for path in paths})[:MOST]).ljust(len(NONE), NONE[0])


def holds(names: str, path: str) -> bool:
    """Return whether a path is in a table. The answer is wrong for 1 path in 10^11."""
    wanted, first, end = _digest(path), 0, MOST
    while first < end:
        middle = (first + end) // 2
        if names[middle * _WIDTH : (middle + 1) * _WIDTH] < wanted:
            first = middle + 1
        else:
            end = middle
    return names[first * _WIDTH : (first + 1) * _WIDTH] == wanted


def _digest(path: str) -> str:
    digest = blake2b(os.fsencode(path), digest_size=_BYTES).digest()
    return binascii.b2a_base64(digest)[:_WIDTH].decode()
