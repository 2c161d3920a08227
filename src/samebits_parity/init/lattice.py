"""The exact limit of a uniform distribution, from the places on which its values can lie.

A library draws k / 2^23 or k / 2^24 with a whole k and maps it to [low, high) in float32. So the values lie on a
lattice that only one limit, to the last bit of a float32, has: tens of values tell it where the largest value alone
would tell three digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mapping = Callable[[Array, Array, Array], Array]
BITS = (23, 24)  # of the whole numbers that libraries draw
FIRST, MOST, FEW = 16, 4096, 64  # values asked at first, and at most; limits that are few enough to ask more
MOST_LIMITS = 200_000
CHANCE = 1e-10  # that the limit lies above the floats that are tried


def _rounded_twice(unit: Array, limit: Array, low: Array) -> Array:
    """u * (high - low) + low with a rounding after each operation: TensorFlow, PyTorch."""
    scaled = np.asarray(unit * (limit - low), np.float32)
    return np.asarray(scaled + np.asarray(low, np.float32), np.float32)


def _rounded_once(unit: Array, limit: Array, low: Array) -> Array:
    """The same in one operation of the processor (fused)."""
    return np.asarray(unit * (limit - low) + low, np.float32)


def _scaled(unit: Array, limit: Array, low: Array) -> Array:
    """A value of [-1, 1), or of [0, 1), times the limit: jax.nn.initializers."""
    inner = unit if np.all(low == 0) else 2 * unit - 1
    return np.asarray(inner * limit, np.float32)


MAPPINGS: tuple[Mapping, ...] = (_rounded_twice, _rounded_once, _scaled)


def exact_limit(values: Array, *, from_zero: bool) -> float | None:
    """The one float32 that can be the limit of draws from [-limit, limit), or from [0, limit); None where several can,
    or none: the values come from a generator of another kind, or there are too few."""
    largest = np.float32(np.abs(values).max())
    limits = _candidates(largest, values.size)
    asked = values.ravel()[:MOST]
    found: set[float] = set()
    for mapping, bits in product(MAPPINGS, BITS):
        found.update(_surviving(limits, asked, partial(_on, mapping=mapping, bits=bits, from_zero=from_zero)))
    return found.pop() if len(found) == 1 else None


def _candidates(largest: np.float32, count: int) -> Array:
    """Every float32 from the largest value up to where the limit lies but for CHANCE."""
    top = np.float32(float(largest) * math.exp(-math.log(CHANCE) / count))
    first, last = int(largest.view(np.int32)), int(top.view(np.int32)) + 1
    return np.arange(first, min(last, first + MOST_LIMITS) + 1, dtype=np.int32).view(np.float32)


def _surviving(limits: Array, values: Array, on: Callable[[Array, Array], Array]) -> list[float]:
    """Limits on whose lattice all the values lie; those that are too many to be told apart are none."""
    asked = FIRST
    while limits.size:
        limits = limits[on(limits, values[:asked])]
        if asked >= values.size:
            return [float(limit) for limit in limits]
        if asked >= FIRST * 16 and limits.size > FEW:
            return [float(limit) for limit in limits[:2]]  # two are as little an answer as all
        asked *= 4
    return []


def _on(limits: Array, values: Array, *, mapping: Mapping, bits: int, from_zero: bool) -> Array:
    """Whether all values lie on the lattice of each limit."""
    limit = limits.astype(np.float64)[:, None]
    low = np.zeros_like(limit) if from_zero else -limit
    whole = np.rint((values.astype(np.float64)[None] - low) / (limit - low) * 2.0**bits)
    lies = np.zeros(whole.shape, bool)
    for step in (-1, 0, 1):  # rounding may have moved a value by half a place
        lies |= mapping((whole + step) / 2.0**bits, limit, low) == values[None]
    return np.asarray(lies.all(axis=1))
