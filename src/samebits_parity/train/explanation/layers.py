"""Weights that diverge because of what a library does beside the optimizer.

Moving averages of a batch norm diverge by how much of them a step keeps, and by which variance goes into them. PyTorch
learns two biases in a recurrent layer, Keras one.
"""

from __future__ import annotations

import numpy as np

from samebits_parity.train.alignment import SUM
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import Array, TrainingValues
from samebits_parity.train.verdict import Account, TrainVerdict, by_reason, number, sides

_NEAR_AVERAGE = 2e-3


def buffer_reasons(judged: TrainVerdict, step: int, names: list[str]) -> list[Account]:
    """Return what explains the moving averages of these names."""
    found = by_reason(judged.pairs, names, lambda pair: _reason(judged, pair, step))
    return [Account(id, words, tuple(of)) for (id, words), of in found.items()]


def _reason(judged: TrainVerdict, pair: WeightPair, step: int) -> tuple[str, str] | None:
    (before_a, before_b), (after_a, after_b) = judged.before(pair, step), judged.after(pair, step)
    factor = _common_factor(after_a - before_a, after_b - before_b)
    kept = [_kept(side, name) for side, name in ((judged.a, pair.a), (judged.b, pair.b))]
    if factor is not None and (kept[0] is None or kept[0] != kept[1]):
        return "batch norm's momentum", _momentum(factor, kept)
    if kept[0] is None or kept[1] is None:
        return None
    fed_a, fed_b = (
        (after - keep * before) / (1 - keep)
        for before, after, keep in ((before_a, after_a, kept[0]), (before_b, after_b, kept[1]))
    )
    ratio = _common_factor(fed_a, fed_b)
    return _unbiased(ratio, kept) if ratio is not None else None


def _momentum(factor: float, kept: list[float | None]) -> str:
    words = f"batch norm's momentum: B's moving averages move {number(factor)} times as far in a step as A's"
    if None in kept or not np.isclose((1 - (kept[1] or 0)) / (1 - (kept[0] or 0)), factor, rtol=0.02):
        return words
    return f"{words}; A keeps {number(kept[0] or 0)} of the previous average, and B {number(kept[1] or 0)}"


def _unbiased(ratio: float, kept: list[float | None]) -> tuple[str, str] | None:
    """Return the unbiased variance of n values, which is n / (n - 1) times the other one."""
    larger = max(ratio, 1 / ratio)
    if not 1 < larger <= 2.01:
        return None
    count = round(larger / (larger - 1))
    who, other = ("B", "A") if ratio > 1 else ("A", "B")
    said = f"the variance in batch norm's moving average: unbiased (over n - 1) in {who}, over n in {other}"
    also = "" if kept[0] == kept[1] else "; they also keep different shares of it"
    return "unbiased variance", f"{said}; n is about {count}{also}"


def _kept(training: TrainingValues, weight: str) -> float | None:
    """Return the share of a moving average that is kept in a step, from its layer's settings."""
    for facts in training.layers.values():
        momentum = facts["settings"].get("momentum")
        if weight in facts["weights"] and isinstance(momentum, float):
            return momentum if training.is_keras else 1 - momentum
    return None


def _common_factor(a: Array, b: Array) -> float | None:
    """Return the number by which all of a is multiplied to give b; None if there is no such number, or if it is 1."""
    largest = np.abs(a).max() if a.size else 0.0
    if not largest:
        return None
    factor = float((a * b).sum() / (a * a).sum())
    if not np.isfinite(factor) or factor <= 0 or abs(factor - 1) < 1e-6:
        return None
    return (
        factor if np.abs(b - factor * a).max() <= min(_NEAR_AVERAGE, abs(factor - 1) / 4) * factor * largest else None
    )


# -- recurrent layers: PyTorch learns two biases and adds them, and Keras learns one ----------------------------------

_CLOSE = 1e-3  # relative, between two steps of which one is twice the other


def bias_reasons(judged: TrainVerdict, step: int, names: list[str]) -> list[Account]:
    """Return the biases of which one library learns two, so that their sum moves twice as far.

    The result is empty if other weights diverge too.
    """
    found = [pair for pair in judged.pairs if pair.a in names and _is_doubled(judged, pair.a, pair.b, step)]
    if not found or len(found) < len(names):
        return []
    counts = ("two that are added", "one") if found[0].a in judged.a.joints else ("one", "two that are added")
    words = sides("biases that are learned for a gate", *counts)
    said = f"{words}; both have the gradient of the one, so their sum moves twice as far"
    return [Account("two biases", said, tuple(pair.a for pair in found))]


def _is_doubled(judged: TrainVerdict, a: str, b: str, step: int) -> bool:
    """Return whether the side with two biases moves their sum twice as far as the other side moves its one."""
    sums = [side.joints.get(name) == SUM for side, name in ((judged.a, a), (judged.b, b))]
    if sums.count(True) != 1:
        return False
    pair = next(one for one in judged.pairs if one.a == a)
    before, after = judged.before(pair, step), judged.after(pair, step)
    moves = [late - early for early, late in zip(before, after, strict=True)]
    doubled, plain = moves if sums[0] else moves[::-1]
    largest = float(np.abs(doubled).max(initial=0))
    return largest > 0 and float(np.abs(doubled - 2 * plain).max()) <= _CLOSE * largest
