"""Initial weights that differ: the distribution from which each side draws them.

Batches that differ: scaled, shifted, or with channels or samples in a different order.
"""

from __future__ import annotations

import math

import numpy as np

from samebits_parity.init.cases import Fans, ordinary_fans
from samebits_parity.train import pairs
from samebits_parity.train.pairs import BatchInput
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import Account, PointComparison, TrainVerdict, number, sides

_CLOSE = 0.1  # relative, of a limit estimated from the largest of n draws
_RARE, _RARE_DEVIATIONS = 1e-3, 3.3  # a probability, and how many deviations it is of a normal distribution
NO_FANS = Fans(0, 0)  # of a vector
_FEW = 8  # from so many values on, a distribution can be told


def start_reasons(judged: TrainVerdict, parted: list[PointComparison]) -> list[Account]:
    """Return one reason for each pair of descriptions. It names all weights that share the pair."""
    found = dict[tuple[str, str], list[str]]()
    for pair in judged.pairs:
        if any(point.name == pair.a for point in parted):
            a = judged.a.weight(-1, pair.a)
            b = pair.way.to_a(judged.b.weight(-1, pair.b))
            fans = ordinary_fans(a.shape, "last" if judged.a.is_keras else "first") if a.ndim > 1 else NO_FANS
            said = described(a, fans), described(b, fans)
            if may_be_draws_of_one(a, b):
                said = said[0], said[0]
            found.setdefault(said, []).append(pair.a)
    return [_reason(a, b, tuple(of)) for (a, b), of in found.items()]


def _reason(a: str, b: str, names: tuple[str, ...]) -> Account:
    if a == b:
        return Account("seed", f"both draw from {a}: a different seed, or a different generator", names)
    constant = "zeros" in (a, b) or "ones" in (a, b)
    return Account("bias initialisation" if constant else "initializer", sides("initial values", a, b), names)


def described(values: Array, fans: Fans) -> str:
    """Describe the values: zeros, one number, uniform or normal, with the limit and the name of its formula."""
    if values.size and float(values.min()) == float(values.max()):
        value = float(values.flat[0])
        return {0.0: "zeros", 1.0: "ones"}.get(value, f"{number(value)} everywhere")
    deviation, largest = float(values.std()), float(np.abs(values).max())
    if values.size < _FEW:
        return f"values up to {number(largest)}"
    if _is_uniform(values):
        return f"uniform up to {number(largest)}{_formula(largest, fans)}"
    return f"normal of deviation {number(deviation)}{_scaled(deviation, fans)}"


def may_be_draws_of_one(a: Array, b: Array) -> bool:
    """Return whether two sets of values are of one family.

    Their estimated limits or deviations must be as close as those of different draws from one distribution (except
    in about 1 of 1,000 cases).
    """
    if min(a.size, b.size) < _FEW or any(float(one.min()) == float(one.max()) for one in (a, b)):
        return False
    if _is_uniform(a) != _is_uniform(b):
        return False
    if _is_uniform(a):  # all n draws within a limit stay below the share p of it with probability p^n
        limits = sorted(float(np.abs(one).max()) for one in (a, b))
        return (limits[0] / limits[1]) ** min(a.size, b.size) > _RARE
    # the logarithm of an estimated deviation has itself a deviation of 1 / sqrt(2 n)
    apart = abs(math.log(float(a.std()) / float(b.std())))
    return apart < _RARE_DEVIATIONS * math.sqrt(1 / (2 * a.size) + 1 / (2 * b.size))


def _is_uniform(values: Array) -> bool:
    """Return whether the largest value is at most the limit of a uniform distribution (sqrt(3) deviations)."""
    deviation = float(np.sqrt((values**2).mean()))
    return float(np.abs(values).max()) < 2.0 * deviation


def _formula(limit: float, fans: Fans) -> str:
    if not all(fans):
        return ""
    known = {
        "glorot_uniform: sqrt(6 / (fan in + fan out))": math.sqrt(6 / sum(fans)),
        "he_uniform: sqrt(6 / fan in)": math.sqrt(6 / fans[0]),
        "PyTorch's default: 1 / sqrt(fan in)": 1 / math.sqrt(fans[0]),
        "0.05": 0.05,
    }
    return _nearest(limit, known)


def _scaled(deviation: float, fans: Fans) -> str:
    if not all(fans):
        return ""
    known = {
        "glorot_normal: sqrt(2 / (fan in + fan out))": math.sqrt(2 / sum(fans)),
        "he_normal: sqrt(2 / fan in)": math.sqrt(2 / fans[0]),
        "1": 1.0,
        "0.05": 0.05,
    }
    return _nearest(deviation, known)


def _nearest(value: float, known: dict[str, float]) -> str:
    name = min(known, key=lambda one: abs(known[one] - value))
    return f" ({name})" if abs(known[name] - value) <= _CLOSE * known[name] else ""


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


def _scaled_batch(a: Array, b: Array) -> str:
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
    """Return the axis of an image's channels, four at most: the last or the second, whichever is shorter."""
    axis = 1 if a.ndim > 2 and a.shape[1] < a.shape[-1] else a.ndim - 1
    return axis if a.ndim > 2 and a.shape[axis] <= 4 else None


def _flipped(a: Array, b: Array) -> str:
    for axis in range(1, a.ndim):
        if a.ndim > 2 and _same(np.flip(a, axis), b):
            return f"B's inputs are A's mirrored along axis {axis}"
    return ""


def _permuted(a: Array, b: Array) -> str:
    """Return the samples with the same values in a different order."""
    if len(a) > 1 and np.array_equal(np.sort(_keys(a)), np.sort(_keys(b))) and not np.array_equal(_keys(a), _keys(b)):
        return "the order of samples: B's batch holds A's samples in a different order (shuffling)"
    return ""


def _keys(values: Array) -> Array:
    """Return a number for each sample, the same for the same values."""
    flat = np.round(values.reshape(len(values), -1), 6)
    return np.array([hash(row.tobytes()) for row in flat])


def _affine(a: Array, b: Array) -> str:
    """Return the explanation if b = factor a + shift, for all values or for each channel (standardised inputs)."""
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
    return f"different samples: {shared * 100:.0f} % of B's batch is in A's" if shared < 1 and len(a) > 1 else ""


def _same(a: Array, b: Array) -> bool:
    scale = float(np.abs(b).max())
    return a.shape == b.shape and bool(scale) and float(np.abs(a - b).max()) <= _NEAR * scale


_RELATIONS = (
    ("scaling", _scaled_batch), ("order of channels", _channels), ("mirroring", _flipped),
    ("order of samples", _permuted), ("scaling", _affine), ("samples", _other_samples),
)  # fmt: skip
