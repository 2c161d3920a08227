"""Batches that differ: scaled, shifted, their channels or their samples in another order."""

from __future__ import annotations

import numpy as np

from samebits_parity.train import batches
from samebits_parity.train.batches import BatchInput
from samebits_parity.train.explanation.reason import Account, number
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import PointComparison, TrainVerdict

_NEAR = 1e-5  # relative distance within which two batches are the same


def reasons(judged: TrainVerdict, parted: list[PointComparison]) -> list[Account]:
    """What accounts for the first batch that differs."""
    step, names = parted[0].step, {point.name for point in parted}
    fed = batches.pairs(judged.a, judged.b, step)
    found = [reason for pair in fed if pair.a_name in names for reason in [explained(pair)] if reason is not None]
    order = next((reason for reason in found if reason.id == "order of samples"), None)
    return [order] if order else found[:1]


def explained(fed: BatchInput) -> Account | None:
    """The one relation between two batches that accounts for all of their values."""
    a, b = fed.a, fed.b
    if a.shape != b.shape:
        return Account("shape", f"the shapes: {a.shape} in A, {b.shape} in B", (fed.a_name,))
    for id, words in ((id, found(a, b)) for id, found in _RELATIONS):
        if words:
            return Account(id, words, (fed.a_name,))
    return None


def _scaled(a: Array, b: Array) -> str:
    largest = float(np.abs(a).max())
    if not largest:
        return ""
    factor = float((a * b).sum() / (a * a).sum())
    if not factor or not _same(factor * a, b):
        return ""
    return f"scaling: B's inputs are {_factor(factor)} those of A"


def _factor(factor: float) -> str:
    inverse = 1 / factor
    if abs(inverse) > 1 and abs(inverse - round(inverse)) < 1e-3 * abs(inverse):
        return f"1/{round(inverse)} of"
    return f"{number(factor)} times"


def _channels(a: Array, b: Array) -> str:
    axis = _channel_axis(a)
    if axis is not None and a.shape[axis] > 1 and _same(np.flip(a, axis), b):
        return "the order of channels: B's is A's reversed (RGB and BGR)"
    return ""


def _channel_axis(a: Array) -> int | None:
    """The axis of an image's channels, four at most: the last or the second, whichever is shorter."""
    axis = 1 if a.ndim > 2 and a.shape[1] < a.shape[-1] else a.ndim - 1
    return axis if a.ndim > 2 and a.shape[axis] <= 4 else None


def _flipped(a: Array, b: Array) -> str:
    for axis in range(1, a.ndim):
        if a.ndim > 2 and _same(np.flip(a, axis), b):
            return f"B's inputs are A's mirrored along axis {axis}"
    return ""


def _permuted(a: Array, b: Array) -> str:
    """Samples with the same values in another order."""
    if len(a) > 1 and np.array_equal(np.sort(_keys(a)), np.sort(_keys(b))) and not np.array_equal(_keys(a), _keys(b)):
        return "the order of samples: B's batch holds A's samples in another order (shuffling)"
    return ""


def _keys(values: Array) -> Array:
    """A number for each sample, the same for the same values."""
    flat = np.round(values.reshape(len(values), -1), 6)
    return np.array([hash(row.tobytes()) for row in flat])


def _affine(a: Array, b: Array) -> str:
    """Standardised: b = factor a + shift, for all values or for each channel."""
    channels = _channel_axis(a)
    for axis in (None,) if channels is None else (None, channels):
        axes = tuple(range(a.ndim)) if axis is None else tuple(n for n in range(a.ndim) if n != axis)
        spread = a.std(axes, keepdims=True)
        with np.errstate(all="ignore"):
            factor = ((a - a.mean(axes, keepdims=True)) * (b - b.mean(axes, keepdims=True))).mean(axes, keepdims=True)
            factor = factor / spread**2
            shift = b.mean(axes, keepdims=True) - factor * a.mean(axes, keepdims=True)
            if not _same(factor * a + shift, b):
                continue
        said = "each channel is " if axis is not None else ""
        return f"scaling: {said}B = {number(float(factor.flat[0]))} A + {number(float(shift.flat[0]))}"
    return ""


def _other_samples(a: Array, b: Array) -> str:
    shared = np.isin(_keys(b), _keys(a)).mean()
    return f"other samples: {shared:.0%} of B's batch is in A's" if shared < 1 and len(a) > 1 else ""


def _same(a: Array, b: Array) -> bool:
    scale = float(np.abs(b).max())
    return a.shape == b.shape and bool(scale) and float(np.abs(a - b).max()) <= _NEAR * scale


_RELATIONS = (
    ("scaling", _scaled), ("order of channels", _channels), ("mirroring", _flipped),
    ("order of samples", _permuted), ("scaling", _affine), ("samples", _other_samples),
)  # fmt: skip
