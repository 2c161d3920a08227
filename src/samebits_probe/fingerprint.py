"""Computes fingerprints: 128 bits over dtype, shape and the bytes in logical order.

It uses XXH3-128 from an extension that exports the functions of the xxHash library, if the launcher passes its path;
else BLAKE2b from the standard library. `-0.0` differs from `0.0`, NaN payloads count, a view equals its copy.
"""

import ctypes
import itertools
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple, Union

    Dtype = Any  # a dtype's name ("float32"), or a library's dtype whose `str` is the name
    Shape = Sequence[int]
    Buffer = Any  # a contiguous object with the buffer protocol: bytes, a memoryview, an array of NumPy
    Tensor = Tuple[Dtype, Shape, Buffer]  # the bytes in logical order
    Header = Any  # the result of a hasher's `header`: bytes, or a number. Only the same hasher takes it
    Hasher = Union["Blake2b", "Xxh3"]

__all__ = ["Blake2b", "Buffer", "Dtype", "Hasher", "Header", "Shape", "Tensor", "Xxh3", "header_of", "make_hasher"]

_GAP, _NOTHING = bytes(16), (b"",)


class _Digest(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


# (pointer, length). ctypes passes an int as a pointer in a third of the time that it needs for a number. The called
# function cannot tell them apart, because both have the same size.
_ARGUMENTS = (ctypes.c_void_p,) * 2
# Both compute XXH3's 128 bits with the seed 0. The first one uses the widest instructions of the processor, and so
# takes half the time.
_FUNCTIONS = (b"XXH3_128bits_dispatch", b"XXH3_128bits")


def header_of(dtype: "Dtype", shape: "Shape") -> bytes:
    """Return the bytes that stand for a tensor's dtype name (``float32``) and shape (a sequence of ints)."""
    return ("%s%s" % (dtype, tuple(int(n) for n in shape))).encode()


class Blake2b:
    """The fallback: BLAKE2b without a key, 16 bytes, over header and data."""

    name = "blake2b"

    def __init__(self) -> None:
        from hashlib import blake2b  # its import takes as long as that of the whole probe, and it is not always needed

        self._new = blake2b

    def header(self, dtype: "Dtype", shape: "Shape") -> "Header":
        """Return the header with which `pointer` and `data` mix dtype and shape in. Keep it with the point."""
        return header_of(dtype, shape) + b"\0"

    def rows(
        self, lengths: "Iterable[int]", fronts: "Iterable[bytes]", headers: "Iterable[Header]"
    ) -> "Callable[[List[int]], int]":
        """Return function(addresses) that hashes memory blocks of these lengths, and returns their rows.

        A row is the 16 bytes of its front, and the fingerprint of its block. All rows are one little-endian number.
        """
        blocks = list(zip(lengths, fronts, headers))

        def rows(addresses: "List[int]") -> int:
            found = [
                front + self.pointer(address, length, header)
                for address, (length, front, header) in zip(addresses, blocks)
            ]
            return int.from_bytes(b"".join(found), "little")

        return rows

    def pointer(self, address: int, length: int, header: bytes) -> bytes:
        """Return the fingerprint (16 bytes) of `length` bytes at `address`: contiguous, alive during the call."""
        if not length:
            return self.data(b"", header)
        return self.data((ctypes.c_char * length).from_address(address), header)

    def data(self, buffer: "Buffer", header: bytes) -> bytes:
        """Return the fingerprint (16 bytes) of a contiguous object with the buffer protocol."""
        digest = self._new(header, digest_size=16)
        digest.update(buffer)
        return digest.digest()


class Xxh3:
    """XXH3-128 through ctypes. It hashes memory in place, without a copy.

    dtype and shape are mixed in by an exclusive-or with the 128-bit hash of the header. So equal bytes with a different
    dtype or shape have a different fingerprint.
    """

    name = "xxh3"

    def __init__(self, path: str) -> None:
        # PYFUNCTYPE keeps the GIL: releasing it and waiting for it again takes longer than most hashes
        address = _address_of(path, _FUNCTIONS)
        self._hash: Callable[..., _Digest] = ctypes.PYFUNCTYPE(_Digest, *_ARGUMENTS)(address)
        self._prepared: Callable[..., _Digest] = ctypes.PYFUNCTYPE(_Digest)(address)  # arguments made by `_argument`
        self._hash_bytes: Callable[..., _Digest] = ctypes.PYFUNCTYPE(_Digest, ctypes.c_char_p, ctypes.c_void_p)(address)

    def header(self, dtype: "Dtype", shape: "Shape") -> "Header":
        """Return the header with which `pointer` and `data` mix dtype and shape in. Keep it with the point."""
        text = header_of(dtype, shape)
        return int.from_bytes(self._hash_bytes(text, len(text)), "little")

    def rows(
        self, lengths: "Iterable[int]", fronts: "Iterable[bytes]", headers: "Iterable[Header]"
    ) -> "Callable[[List[int]], int]":
        """Return function(addresses) that hashes memory blocks of these lengths, and returns their rows.

        A row is the 16 bytes of its front, and the fingerprint of its block. All rows are one little-endian number: one
        exclusive-or over all of them leaves no objects behind, and takes a quarter of the time of as many calls of
        `pointer`. The arguments of the calls are kept, as ctypes needs them, for the next time: most tensors stay where
        they are. Making them would take half of the time of a call.
        """
        pieces = [front + header.to_bytes(16, "little") for front, header in zip(fronts, headers)]
        together = int.from_bytes(b"".join(pieces), "little")
        kept = [([], [])]  # type: List[Tuple[List[int], List[Any]]]
        sizes, call, argument = list(map(_argument, lengths)), self._prepared, _argument

        def rows(addresses: "List[int]") -> int:
            last, pointers = kept[0]
            if addresses != last:
                pointers = list(map(argument, addresses))
                kept[0] = addresses, pointers  # both at once: an exception or a thread may come in between
            found: int = int.from_bytes(_GAP.join(itertools.chain(_NOTHING, map(call, pointers, sizes))), "little")
            return found ^ together

        return rows

    def pointer(self, address: "Any", length: int, header: int) -> bytes:
        """Return the fingerprint (16 bytes) of `length` bytes at `address`: contiguous, alive during the call."""
        return (int.from_bytes(self._hash(address, length), "little") ^ header).to_bytes(16, "little")

    def data(self, buffer: "Buffer", header: int) -> bytes:
        """Return the fingerprint (16 bytes) of a contiguous object with the buffer protocol."""
        if not isinstance(buffer, bytes):
            buffer = bytes(buffer)
        return (int.from_bytes(self._hash_bytes(buffer, len(buffer)), "little") ^ header).to_bytes(16, "little")


_argument = ctypes.c_void_p.from_param


def _address_of(path: str, symbols: "Iterable[bytes]") -> int:
    """Return the address of the first of these functions that a shared object exports, bound lazily.

    `ctypes.CDLL` would bind all symbols at once. But an extension that was built for a newer Python needs symbols that
    an older Python lacks (xxhash 4 under Python 3.6). No such symbol is ever called here.
    """
    process = ctypes.CDLL(None)
    process.dlopen.argtypes, process.dlopen.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    process.dlsym.argtypes, process.dlsym.restype = [ctypes.c_void_p, ctypes.c_char_p], ctypes.c_void_p
    handle = process.dlopen(os.fsencode(path), getattr(os, "RTLD_LAZY", 1))
    found: "List[int]" = list(filter(None, (process.dlsym(handle, symbol) for symbol in symbols if handle)))
    if not found:
        raise OSError("%s cannot be loaded, or exports no function that hashes with XXH3" % path)
    return found[0]


def make_hasher(algorithm: str, xxhash_path: "Optional[str]") -> "Hasher":
    """Return the hasher that the launcher asked for.

    Raises OSError if the extension cannot be loaded. There is no silent fallback: all trials of a comparison use the
    same algorithm, and the launcher tries the extension beforehand on the same machine.
    """
    if algorithm == "xxh3":
        return Xxh3(xxhash_path)  # type: ignore[arg-type]  # config.json has a path then
    return Blake2b()
