"""Gradients that diverge although losses and outputs agree: scaled, clipped, or with a weight penalty.

Gradients may also jump although all values agree, if rounding flips a rectifier.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samebits.words import agree
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import Account, TrainVerdict, number

# relative to the largest element, or to a factor: a formula that is closer than this gives a side's gradients
_NEAR = 1e-3


class _GradientPair(NamedTuple):
    """The gradients of a weight, and the weight at the beginning of the step."""

    name: str
    a: Array
    b: Array
    weight: Array


def gradient_reasons(judged: TrainVerdict, step: int) -> list[Account]:
    """Return what explains the gradients of a step."""
    seen = []
    for pair in judged.pairs:
        both = judged.gradients(pair, step) if pair.trains else None
        if both is not None and any(np.abs(one).max() > 0 for one in both):
            seen.append(_GradientPair(pair.a, *both, judged.before(pair, step)[0]))
    size = max((fed.shape[0] for fed in judged.a.names(step, "batch").values() if fed.shape), default=0)
    for found in (_one_factor(seen, size), _clipped_values(seen), _penalty(seen)):
        if found is not None:
            return [found]
    return []


def factor_of(a: Array, b: Array) -> float | None:
    """Return the number by which a is multiplied to give b, or None."""
    square = float((a * a).sum())
    if not square:
        return None
    factor = float((a * b).sum()) / square
    return factor if np.abs(b - factor * a).max() <= _NEAR * abs(factor) * np.abs(a).max() else None


def _one_factor(seen: list[_GradientPair], size: int) -> Account | None:
    """Return the explanation if all tensors have the same factor.

    It is a sum instead of a mean, a scaled loss, or a clipped norm.
    """
    largest = max((np.abs(one.a).max() for one in seen), default=0)
    telling = [one for one in seen if np.abs(one.a).max() > _NEAR * largest]
    factors = [factor_of(one.a, one.b) for one in telling]
    if not factors or None in factors:
        return None
    factor = float(np.median([one for one in factors if one is not None]))
    if any(abs((one or 0) - factor) > _NEAR * factor for one in factors) or abs(factor - 1) < _NEAR:
        return None
    clipped = _norm_clipped(seen, factor)
    if clipped is not None:
        return clipped
    words = f"all of B's gradients are {number(factor)} times A's"
    if size and math.isclose(factor, size, rel_tol=_NEAR):
        return Account("reduction", f"reduction: {words}, the number of samples: a sum in B, a mean in A")
    if size and math.isclose(factor, 1 / size, rel_tol=_NEAR):
        return Account("reduction", f"reduction: {words}, 1 / the number of samples: a mean in B, a sum in A")
    return Account("scale of the loss", words)


def _norm_clipped(seen: list[_GradientPair], factor: float) -> Account | None:
    """Return whether the smaller side has a round norm."""
    side, norm = ("B", _norm([one.b for one in seen])) if factor < 1 else ("A", _norm([one.a for one in seen]))
    if not _is_round(norm):
        return None
    words = f"only {side} clips gradients: the norm of all together to {number(norm)}"
    return Account("clipping", words)


def _norm(arrays: list[Array]) -> float:
    return math.sqrt(sum(float((one * one).sum()) for one in arrays))


def _is_round(value: float) -> bool:
    """Return whether it is a number that people write: at most two significant digits."""
    return value > 0 and math.isclose(value, float(f"{value:.2g}"), rel_tol=1e-4)


def _clipped_values(seen: list[_GradientPair]) -> Account | None:
    """Return the explanation if no element of one side exceeds a number.

    All elements below it are the same as the other side's.
    """
    for side in "BA":
        pairs = [(one.a, one.b) if side == "B" else (one.b, one.a) for one in seen]
        most = max((float(np.abs(clipped).max()) for _, clipped in pairs), default=0.0)
        scale = max((float(np.abs(whole).max()) for whole, _ in pairs), default=0.0)
        if scale <= most * (1 + _NEAR):
            continue
        if all(np.abs(np.clip(whole, -most, most) - clipped).max() <= _NEAR * most for whole, clipped in pairs):
            return Account("clipping", f"only {side} clips gradients: each value to {number(most)}")
    return None


def _penalty(seen: list[_GradientPair]) -> Account | None:
    """Return the explanation if b - a = c w, with one c for all weights that have a penalty."""
    largest = max((float(np.abs(one.a).max()) for one in seen), default=0.0)
    factors = {one.name: _penalty_factor(one, largest) for one in seen}
    known = {name: factor for name, factor in factors.items() if factor}
    if not known or any(factor is None for factor in factors.values()):
        return None
    factor = max(known.values(), key=abs)
    if any(abs(one - factor) > 0.02 * abs(factor) for one in known.values()):
        return None
    side, other, size = ("B", "A", factor) if factor > 0 else ("A", "B", -factor)
    without = [name for name, one in factors.items() if not one]
    words = (
        f"L2: {side}'s gradients have one more term than {other}'s, {number(size)} times the weights: a penalty of"
        f" {number(size)} sum(w^2) / 2, or of {number(size / 2)} sum(w^2) (weight decay is twice the L2 factor)"
    )
    if without and all("bias" in name for name in without):
        words += "; not on biases"
    return Account("L2", words, tuple(known))


def _penalty_factor(seen: _GradientPair, scale: float) -> float | None:
    """Return the c of b - a = c w; None if there is no c.

    It is 0 if their difference is nothing against the largest gradient.
    """
    apart = seen.b - seen.a
    if np.abs(apart).max() <= 1e-5 * scale:
        return 0.0
    factor = factor_of(seen.weight, apart)
    if factor is None and np.abs(seen.weight).max() > 0:  # a small penalty is lost in the rounding of the gradients
        factor = float((seen.weight * apart).sum() / (seen.weight**2).sum())
        if np.abs(apart - factor * seen.weight).max() > 1e-5 * scale:
            return None
    return factor


def flip_reasons(judged: TrainVerdict, step: int) -> list[Account]:
    """Return the layers in which rounding flipped a rectifier although the outputs agree."""
    found = []
    for pair in judged.layer_pairs:
        a, b = pair.outputs(judged.a, judged.b, step)
        count = int(((a == 0) != (b == 0)).sum()) if a.shape == b.shape else 0
        if count:
            are = agree(count, "is", "are")
            said = f"rounding at a kink of {pair.a}: {count} of {a.size:,} values {are} zero on one side only"
            words = f"{said}; its gradient takes a different path there"
            found.append(Account("rounding at a kink", words, (pair.a,)))
    return found
