"""The hash of a tensor on a GPU.

It is computed there, so only 16 bytes come back, not the tensor. It uses integer arithmetic modulo 2^64 in two lanes:
each word is mixed with its position, non-linearly, and the results are added. Addition of integers is associative, so
any order of reduction gives the same bits. With linear weights, sign flips and swaps would cancel each other (as they
do in XOR and norms). The same function also works on CPU tensors. The tests compare both with plain Python integers.

The words are the memory in logical order, padded with zeros to whole words. The caller adds dtype and shape (and so the
true length).
"""

import struct
from typing import Any, Dict, Tuple

from ..objects import Library, Tensor

CHUNK = 1 << 21  # words at a time, which limits the memory used for a moment

# odd constants of splitmix64 and of its relatives (Steele, Lea, Flood 2014; Vigna 2015), one pair a lane
LANES = ((0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9), (0xD1342543DE82EF95, 0x94D049BB133111EB))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


class DeviceHash:
    """`digest(tensor)`: 16 bytes of a dense contiguous tensor on any device that computes with int64."""

    def __init__(self, torch: Library) -> None:
        self._torch = torch
        self._constants: Dict[Any, Tuple[Tensor, Tensor]] = {}  # device -> two int64 columns

    def digest(self, tensor: Tensor) -> bytes:
        """Return two sums modulo 2^64, little-endian. Raises RuntimeError while CUDA captures a graph."""
        words = self._words(tensor)
        total = None
        for start in range(0, words.numel(), CHUNK):
            part = self._lanes(words[start : start + CHUNK], start)
            total = part if total is None else total + part
        sums = total.tolist() if total is not None else [0, 0]
        return struct.pack("<qq", *sums)

    def _words(self, tensor: Tensor) -> Tensor:
        torch = self._torch
        flat = tensor.reshape(-1)
        if not flat.numel():
            return torch.zeros(0, dtype=torch.int64, device=tensor.device)
        data = flat.view(torch.uint8) if flat.dtype is not torch.uint8 else flat
        rest = -data.numel() % 8
        if rest or data.storage_offset() % 8:  # a view as words has to start at a whole word of the storage
            whole = torch.zeros(data.numel() + rest, dtype=torch.uint8, device=data.device)
            whole[: data.numel()] = data
            data = whole
        return data.view(torch.int64)

    def _lanes(self, words: Tensor, start: int) -> Tensor:
        first, second = self._columns(words.device)
        position = self._torch.arange(start + 1, start + 1 + words.numel(), device=words.device)
        mixed = (words ^ (position * first)) * second  # one row a lane
        mixed = (mixed ^ self._shifted(mixed, 32)) * first
        mixed = (mixed ^ self._shifted(mixed, 29)) * second
        mixed = mixed ^ self._shifted(mixed, 32)
        return mixed.sum(1)

    @staticmethod
    def _shifted(words: Tensor, by: int) -> Tensor:
        """Return a logical shift to the right: the arithmetic shift of int64, with the copies of the sign masked."""
        return (words >> by) & ((1 << (64 - by)) - 1)

    def _columns(self, device: Any) -> Tuple[Tensor, Tensor]:
        found = self._constants.get(device)
        if found is None:
            rows = [[_signed(lane[i])] for i in (0, 1) for lane in LANES]
            both = self._torch.tensor(rows, dtype=self._torch.int64, device=device)
            found = self._constants[device] = (both[:2], both[2:])
        return found
