"""Initial weights that differ: what each side draws them from."""

from __future__ import annotations

import math

import numpy as np

from samebits_parity.init.cases import Fans, ordinary_fans
from samebits_parity.train.explanation.reason import Account, number, sides
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import PointComparison, TrainVerdict

_CLOSE = 0.1  # relative: of a limit that is estimated from the largest of n draws
_RARE, _RARE_DEVIATIONS = 1e-3, 3.3  # a probability, and how many deviations it is of a normal distribution
NO_FANS = Fans(0, 0)  # of a vector
_FEW = 8  # values from which a distribution can be told


def reasons(judged: TrainVerdict, parted: list[PointComparison]) -> list[Account]:
    """One reason for each pair of descriptions; weights that share it are named together."""
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
        return Account("seed", f"both draw from {a}: another seed, or another generator", names)
    constant = "zeros" in (a, b) or "ones" in (a, b)
    return Account("bias initialisation" if constant else "initializer", sides("initial values", a, b), names)


def described(values: Array, fans: Fans) -> str:
    """What the values look like: zeros, one number, uniform or normal, with the limit and whose formula it is."""
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
    """Whether two sets of values are of one family, and their estimated limits or deviations no further apart than
    other draws of one distribution bring them (but in one of some 1,000 cases).
    """
    if min(a.size, b.size) < _FEW or any(float(one.min()) == float(one.max()) for one in (a, b)):
        return False
    if _is_uniform(a) != _is_uniform(b):
        return False
    if _is_uniform(a):  # n draws within a limit all stay below a part p of it in p^n of the cases
        limits = sorted(float(np.abs(one).max()) for one in (a, b))
        return (limits[0] / limits[1]) ** min(a.size, b.size) > _RARE
    # the logarithm of an estimated deviation has itself a deviation of 1 / sqrt(2 n)
    apart = abs(math.log(float(a.std()) / float(b.std())))
    return apart < _RARE_DEVIATIONS * math.sqrt(1 / (2 * a.size) + 1 / (2 * b.size))


def _is_uniform(values: Array) -> bool:
    """Whether the largest is no further out than a uniform distribution's limit is (sqrt(3) deviations)."""
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
