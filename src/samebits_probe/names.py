"""The names that earlier trials left, in a text of one length, whatever their number.

A program whose bits depend on addresses, as the order of a set of objects does, repeats while addresses are held. Then
nothing that the probe keeps may take more memory in one trial than in the next.
"""

import binascii
import os

try:
    from _blake2 import blake2b  # hashlib imports OpenSSL, which takes longer than all of the probe
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

__all__ = ["MOST", "NONE", "holds", "table"]

MOST = 2000
_BYTES, _WIDTH = 6, 8  # of one name: of its digest, and of that in base 64
NONE = "~" * (MOST * _WIDTH)  # this sign is not in base 64, and comes after all that are


def table(paths: "Iterable[str]") -> str:
    """A text that `holds` looks paths up in. It has room for MOST paths."""
    return "".join(sorted({_digest(path) for path in paths})[:MOST]).ljust(len(NONE), NONE[0])


def holds(names: str, path: str) -> bool:
    """Whether a path is in a table, with an error of 1 in 10^11."""
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
