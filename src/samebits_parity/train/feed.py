"""B with A's weights: it runs again with them, until its outputs say which layer of B takes those of which layer of A.

With its own initial weights B's outputs do not tell which layers belong together, and the order in which they run may
not tell either: the batch norm of a shortcut may run before or after those of what it goes around.
"""

from __future__ import annotations

from samebits_parity.train import recurrent, runs
from samebits_parity.train.pairs import Pairer, WeightPair
from samebits_parity.train.runs import TrainRequest
from samebits_parity.train.values import TrainingValues

__all__ = ["fed"]

Pairs = list[WeightPair]
MOST_RUNS = 4  # of B with A's weights


def fed(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> tuple[TrainingValues, Pairs]:
    """B with A's weights at its start (--carry) and after each step (--single-step), and its pairs."""
    b = _run(asked, a, b, pairs)
    for _ in range(MOST_RUNS - 1 if asked.carry else 0):
        seen, left = Pairer(a, b).pairs()
        if left or _names(seen) == _names(pairs):
            break
        b, pairs = _run(asked, a, b, seen), seen
    return b, pairs


def _run(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> TrainingValues:
    first, last = (-1 if asked.carry else 0), (a.steps if asked.single else 0)
    feed = runs.write_feed(asked.folder / "feed", a, b, pairs, steps=range(first, last))
    found = runs.train(asked, "B", asked.steps, feed)  # not A's number: B may make more
    recurrent.align(a, found)
    return found


def _names(pairs: Pairs) -> set[tuple[str, str]]:
    return {(pair.a, pair.b) for pair in pairs}
