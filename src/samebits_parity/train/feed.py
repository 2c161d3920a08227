"""B with A's weights: B runs again with them until its outputs show which layer of B takes the weights of which layer
of A. With B's own initial weights, the outputs do not show which layers belong together. The order of the layers may
not show it either: the batch norm of a shortcut may run before or after those on the main path. If two layers have one
shape and the same input, only the layers after them show which is which.
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
MOST_RUNS = 4  # runs of B with A's weights
MOST_SWAPS = 4  # swaps of two layers to try, each in its own run


class TrainingWithWeights(NamedTuple):
    """B with A's weights, and its pairs.

    `unsure`: two layers of A whose partners may be swapped, because what follows diverges either way.
    """

    b: TrainingValues
    pairs: Pairs
    unsure: tuple[str, str] | None = None


def fed(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> TrainingWithWeights:
    """Return B with A's weights at its start (--carry) and after each step (--single-step), and its pairs."""
    b = _run(asked, a, b, pairs)
    for _ in range(MOST_RUNS - 1 if asked.carry else 0):
        seen, left = Pairer(a, b).pairs()
        if left or _names(seen) == _names(pairs):
            break
        b, pairs = _run(asked, a, b, seen), seen
    return _by_what_follows(asked, a, b, pairs) if asked.carry else TrainingWithWeights(b, pairs)


def _by_what_follows(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> TrainingWithWeights:
    """Return B with two layers swapped, if the first step then agrees and did not before."""
    if not _diverges_at_once(a, b, pairs):
        return TrainingWithWeights(b, pairs)
    tried = list(islice(swaps(a, pairs), MOST_SWAPS))
    for _, swapped in tried:
        again = _run(asked, a, b, swapped)
        if not _diverges_at_once(a, again, swapped):
            return TrainingWithWeights(again, swapped)
    return TrainingWithWeights(_run(asked, a, b, pairs), pairs, tried[0][0]) if tried else TrainingWithWeights(b, pairs)


def _diverges_at_once(a: TrainingValues, b: TrainingValues, pairs: Pairs) -> bool:
    """Return whether an output or a gradient of the first step differs, although the batch does not."""
    first = judge(a, b, pairs, single=False, carried=True).first
    return first is not None and first.step == 0 and first.kind in ("forward", "gradient")


def swaps(a: TrainingValues, pairs: Pairs) -> Iterator[tuple[tuple[str, str], Pairs]]:
    """Yield two layers of A of one shape, and the pairs with their partners swapped.

    Partners with the same names stay.
    """
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
    found = runs.train(asked, "B", asked.steps, feed)  # not A's number of steps: B may make more
    recurrent.align(a, found)
    attention.align(a, found)
    return found


def _names(pairs: Pairs) -> set[tuple[str, str]]:
    return {(pair.a, pair.b) for pair in pairs}
