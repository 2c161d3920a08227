"""Biases of recurrent layers that diverge: PyTorch learns two and adds them, and Keras learns one."""

from __future__ import annotations

import numpy as np

from samebits_parity.train.alignment import SUM
from samebits_parity.train.verdict import Account, TrainVerdict, sides

_CLOSE = 1e-3  # relative, between two steps of which one is twice the other


def reasons(judged: TrainVerdict, step: int, names: list[str]) -> list[Account]:
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
