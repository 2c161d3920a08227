"""B with A's weights: it runs again with them, until its outputs say which layer of B takes those of which layer of A.

With its own initial weights B's outputs do not tell which layers belong together, and the order in which they run may
not tell either: the batch norm of a shortcut may run before or after those of what it goes around. Two layers of one
shape with the same input give the same with each other's weights: only what follows tells which is which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, islice
from typing import NamedTuple

from samebits_parity.train import attention, recurrent, runs
from samebits_parity.train.pairs import Pairer, WeightPair
from samebits_parity.train.runs import TrainRequest
from samebits_parity.train.values import TrainingValues
from samebits_parity.train.verdict import judge

__all__ = ["TrainingWithWeights", "fed", "swaps"]

Pairs = list[WeightPair]
MOST_RUNS = 4  # of B with A's weights
MOST_SWAPS = 4  # of two layers, each of which is tried in a run


class TrainingWithWeights(NamedTuple):
    """B with A's weights, and its pairs. `unsure`: two layers of A that may stand for each other's partners, if what
    follows diverges either way."""

    b: TrainingValues
    pairs: Pairs
    unsure: tuple[str, str] | None = None


def fed(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> TrainingWithWeights:
    """B with A's weights at its start (--carry) and after each step (--single-step), and its pairs."""
    b = _run(asked, a, b, pairs)
    for _ in range(MOST_RUNS - 1 if asked.carry else 0):
        seen, left = Pairer(a, b).pairs()
        if left or _names(seen) == _names(pairs):
            break
        b, pairs = _run(asked, a, b, seen), seen
    return _by_what_follows(asked, a, b, pairs) if asked.carry else TrainingWithWeights(b, pairs)


def _by_what_follows(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> TrainingWithWeights:
    """With two layers swapped, if the first step then agrees and did not before."""
    if not _diverges_at_once(a, b, pairs):
        return TrainingWithWeights(b, pairs)
    tried = list(islice(swaps(a, b, pairs), MOST_SWAPS))
    for _, swapped in tried:
        again = _run(asked, a, b, swapped)
        if not _diverges_at_once(a, again, swapped):
            return TrainingWithWeights(again, swapped)
    return TrainingWithWeights(_run(asked, a, b, pairs), pairs, tried[0][0]) if tried else TrainingWithWeights(b, pairs)


def _diverges_at_once(a: TrainingValues, b: TrainingValues, pairs: Pairs) -> bool:
    """Whether an output or a gradient of the first step is apart, although its batch is not."""
    first = judge(a, b, pairs, single=False, carried=True).first
    return first is not None and first.step == 0 and first.kind in ("forward", "gradient")


def swaps(a: TrainingValues, b: TrainingValues, pairs: Pairs) -> Iterator[tuple[tuple[str, str], Pairs]]:
    """Two layers of A of one shape, and the pairs with their partners swapped; those with the same names stay."""
    known = {pair.a: pair for pair in pairs}
    weights = {name: [one for one in facts["weights"] if one in known] for name, facts in a.layers.items()}
    start = a.names(-1, "start")
    shapes = {name: [start[one].shape for one in owned] for name, owned in weights.items() if owned}
    for one, other in combinations(shapes, 2):
        partners = dict(zip(weights[one] + weights[other], weights[other] + weights[one], strict=False))
        if shapes[one] == shapes[other] and any(name != known[name].b for name in partners):
            yield (one, other), [replace(known[partners.get(pair.a, pair.a)], a=pair.a) for pair in pairs]


def _run(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> TrainingValues:
    first, last = (-1 if asked.carry else 0), (a.steps if asked.single else 0)
    feed = runs.write_feed(asked.folder / "feed", a, b, pairs, steps=range(first, last))
    found = runs.train(asked, "B", asked.steps, feed)  # not A's number: B may make more
    recurrent.align(a, found)
    attention.align(a, found)
    return found


def _names(pairs: Pairs) -> set[tuple[str, str]]:
    return {(pair.a, pair.b) for pair in pairs}
