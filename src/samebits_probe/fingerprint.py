"""Fingerprints: 128 bits over dtype, shape and the bytes in logical order.

XXH3-128 from the extension whose path the launcher passes (it exports ``XXH128(pointer, length, seed)``), else
BLAKE2b from the standard library. `-0.0` differs from `0.0`, NaN payloads count, a view equals its copy.
"""

import ctypes
import hashlib
import io
import itertools
import os
import struct
from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple, Union

__all__ = ["Blake2b", "Buffer", "Dtype", "Hasher", "Header", "Shape", "Tensor", "Xxh3", "header_of", "make_hasher"]

_PAIR = struct.Struct("<QQ")

Dtype = Any  # a dtype's name ("float32"), or a library's dtype whose `str` is the name
Shape = Sequence[int]
Buffer = Any  # a contiguous object with the buffer protocol: bytes, a memoryview, an array of NumPy
Tensor = Tuple[Dtype, Shape, Buffer]  # the bytes in logical order
Header = Any  # what `header` of a hasher gives: bytes, or two numbers. Only the same hasher takes it
Headers = Any  # what `together` gives


class _Digest(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


# (pointer, length, seed), 64 bits each. ctypes takes an int for a pointer in a third of the time that it needs for a
# number, and what is called cannot tell them apart where both have the same size.
_IS_64_BIT = ctypes.sizeof(ctypes.c_void_p) == 8
_ARGUMENTS = (ctypes.c_void_p,) * 3 if _IS_64_BIT else (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64)


def header_of(dtype: Dtype, shape: Shape) -> bytes:
    """The bytes that stand for a tensor's dtype name (``float32``) and shape (a sequence of ints)."""
    return ("%s%s" % (dtype, tuple(int(n) for n in shape))).encode()


class Blake2b:
    """The fallback: keyed by nothing, 16 bytes, over header and data."""

    name = "blake2b"

    def header(self, dtype: Dtype, shape: Shape) -> Header:
        """What `pointer` and `data` take to mix dtype and shape in; keep it beside the point."""
        return header_of(dtype, shape) + b"\0"

    def together(self, headers: Iterable[Header]) -> Headers:
        """What `pointers` takes to mix in the headers of several pieces of memory."""
        return list(headers)

    def pointers(self, addresses: Iterable[int], lengths: Iterable[int], headers: List[bytes]) -> bytes:
        """Fingerprints of several pieces of memory, each as `pointer` gives it, joined: 16 bytes each."""
        return b"".join(map(self.pointer, addresses, lengths, headers))

    def pointer(self, address: int, length: int, header: bytes) -> bytes:
        """Fingerprint of `length` bytes at `address` (contiguous, alive during the call): 16 bytes."""
        if not length:
            return self.data(b"", header)
        return self.data((ctypes.c_char * length).from_address(address), header)

    def data(self, buffer: Buffer, header: bytes) -> bytes:
        """Fingerprint of an object with the buffer protocol (contiguous): 16 bytes."""
        digest = hashlib.blake2b(header, digest_size=16)
        digest.update(buffer)
        return digest.digest()


class Xxh3:
    """XXH3-128 through ctypes: hashes memory where it lies, without a copy.

    dtype and shape are mixed in by exclusive-or with the header's own 128-bit hash, so that equal bytes of
    another dtype or shape have another fingerprint.
    """

    name = "xxh3"

    def __init__(self, path: str) -> None:
        # PYFUNCTYPE keeps the GIL: to give it up and wait for it again takes longer than most hashes
        self._hash: Callable[..., _Digest] = ctypes.PYFUNCTYPE(_Digest, *_ARGUMENTS)(_address_of(path, b"XXH128"))

    def header(self, dtype: Dtype, shape: Shape) -> Header:
        """What `pointer` and `data` take to mix dtype and shape in; keep it beside the point."""
        text: Buffer = header_of(dtype, shape)
        digest = self._hash(ctypes.cast(text, ctypes.c_void_p), len(text), 0)
        return digest.low, digest.high

    def together(self, headers: Iterable[Header]) -> Headers:
        """What `pointers` takes to mix in the headers of several pieces of memory."""
        return int.from_bytes(b"".join(_PAIR.pack(*header) for header in headers), "little")

    def pointers(self, addresses: Iterable[int], lengths: Iterable[int], headers: int) -> bytes:
        """Fingerprints of several pieces of memory, each as `pointer` gives it, joined: 16 bytes each.

        One exclusive-or over all of them, and no object that is left for the next: a quarter of the time of as many
        calls of `pointer`, and no work for the garbage collector.
        """
        file = io.BytesIO()
        file.writelines(map(self._hash, addresses, lengths, itertools.repeat(0)))
        joined = file.getvalue()
        return (int.from_bytes(joined, "little") ^ headers).to_bytes(len(joined), "little")

    def pointer(
        self, address: Any, length: int, header: Tuple[int, int], _pack: Callable[[int, int], bytes] = _PAIR.pack
    ) -> bytes:
        """Fingerprint of `length` bytes at `address` (contiguous, alive during the call): 16 bytes."""
        digest = self._hash(address, length, 0)
        return _pack(digest.low ^ header[0], digest.high ^ header[1])

    def data(self, buffer: Buffer, header: Tuple[int, int]) -> bytes:
        """Fingerprint of an object with the buffer protocol (contiguous): 16 bytes."""
        if not isinstance(buffer, bytes):
            buffer = bytes(buffer)
        return self.pointer(ctypes.cast(buffer, ctypes.c_void_p), len(buffer), header)


def _address_of(path: str, symbol: bytes) -> int:
    """Address of a function in a shared object, bound lazily.

    `ctypes.CDLL` binds all symbols at once, and an extension built for a newer Python names some that an older one
    lacks (xxhash 4 under Python 3.6); none of them is ever called here.
    """
    process = ctypes.CDLL(None)
    process.dlopen.argtypes, process.dlopen.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    process.dlsym.argtypes, process.dlsym.restype = [ctypes.c_void_p, ctypes.c_char_p], ctypes.c_void_p
    handle = process.dlopen(os.fsencode(path), getattr(os, "RTLD_LAZY", 1))
    address: Optional[int] = process.dlsym(handle, symbol) if handle else None
    if not address:
        raise OSError("%s cannot be loaded, or exports no %s" % (path, symbol.decode()))
    return address


Hasher = Union[Blake2b, Xxh3]


def make_hasher(algorithm: str, xxhash_path: Optional[str]) -> Hasher:
    """The hasher that the launcher asked for.

    Raises OSError where the extension cannot be loaded: the launcher tries it beforehand in the
    same interpreter's machine, and one algorithm holds for a whole comparison, so there is no silent fallback.
    """
    if algorithm == "xxh3":
        return Xxh3(xxhash_path)  # type: ignore[arg-type]  # config.json has a path then
    return Blake2b()
