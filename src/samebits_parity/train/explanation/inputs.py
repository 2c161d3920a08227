"""Initial weights that differ, as numbers. Batches that differ: scaled, shifted, or with channels or samples in a
different order.
"""

from __future__ import annotations

import numpy as np

from samebits_parity.train import pairs
from samebits_parity.train.pairs import BatchInput
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import Account, PointComparison, TrainVerdict, number, sides


def start_reasons(judged: TrainVerdict, parted: list[PointComparison]) -> list[Account]:
    """Return the initial values of both sides. Weights with the same initial values are one entry."""
    found = dict[tuple[str, str], list[str]]()
    for pair in judged.pairs:
        if any(point.name == pair.a for point in parted):
            said = described(judged.a.weight(-1, pair.a)), described(judged.b.weight(-1, pair.b))
            found.setdefault(said, []).append(pair.a)
    return [Account("initial values", sides("initial values", *said), tuple(of)) for said, of in found.items()]


def described(values: Array) -> str:
    """Return the one value of all, or the largest value and the deviation."""
    if values.size and float(values.min()) == float(values.max()):
        value = float(values.flat[0])
        return {0.0: "zeros", 1.0: "ones"}.get(value, f"{number(value)} everywhere")
    largest = number(float(np.abs(values).max()))
    return f"values up to {largest}, with deviation {number(float(values.std()))}"


_NEAR = 1e-5  # two batches closer than this (relative) are the same


def batch_reasons(judged: TrainVerdict, parted: list[PointComparison]) -> list[Account]:
    """Return what explains the first batch that differs."""
    step, names = parted[0].step, {point.name for point in parted}
    fed = pairs.batch_inputs(judged.a, judged.b, step)
    found = [reason for pair in fed if pair.a_name in names for reason in [explained(pair)] if reason is not None]
    order = next((reason for reason in found if reason.id == "order of samples"), None)
    return [order] if order else found[:1]


def explained(fed: BatchInput) -> Account | None:
    """Return the one relation between two batches that explains all of their values."""
    a, b = fed.a, fed.b
    if a.shape != b.shape:
        return Account("shape", f"the shapes: {a.shape} in A, {b.shape} in B", (fed.a_name,))
    for id, words in ((id, found(a, b)) for id, found in _RELATIONS):
        if words:
            return Account(id, words, (fed.a_name,))
    return None


def _channels(a: Array, b: Array) -> str:
    axis = _channel_axis(a)
    if axis is not None and a.shape[axis] > 1 and _same(np.flip(a, axis), b):
        return "the order of channels: B's is A's reversed (RGB and BGR)"
    return ""


def _channel_axis(a: Array) -> int | None:
    """Return the axis of an image's channels, four at most: the last or the second, whichever is shorter."""
    axis = 1 if a.ndim > 2 and a.shape[1] < a.shape[-1] else a.ndim - 1
    return axis if a.ndim > 2 and a.shape[axis] <= 4 else None


def _permuted(a: Array, b: Array) -> str:
    """Return the samples with the same values in a different order."""
    if len(a) > 1 and np.array_equal(np.sort(_keys(a)), np.sort(_keys(b))) and not np.array_equal(_keys(a), _keys(b)):
        return "the order of samples: B's batch holds A's samples in a different order (shuffling)"
    return ""


def _keys(values: Array) -> Array:
    """Return a number for each sample, the same for the same values."""
    flat = np.round(values.reshape(len(values), -1), 6)
    return np.array([hash(row.tobytes()) for row in flat])


def _scaled(a: Array, b: Array) -> str:
    """Return the explanation if b = factor a + shift."""
    if a.size < 2 or not a.std():
        return ""
    factor, shift = np.polyfit(a.ravel(), b.ravel(), 1)
    if not factor or not _same(factor * a + shift, b):
        return ""
    more = f" + {number(float(shift))}" if abs(shift) > _NEAR * np.abs(b).max() else ""
    said = f"A / {number(float(1 / factor))}" if abs(factor) < 1 else f"{number(float(factor))} A"
    return f"scaling: B = {said}{more}"


def _same(a: Array, b: Array) -> bool:
    scale = float(np.abs(b).max())
    return a.shape == b.shape and bool(scale) and float(np.abs(a - b).max()) <= _NEAR * scale


_RELATIONS = (("scaling", _scaled), ("order of channels", _channels), ("order of samples", _permuted))
