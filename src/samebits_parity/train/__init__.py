"""Compares two trainings that should do the same, value by value at each step: run A, run B, pair their weights, judge,
explain, report.
"""

from __future__ import annotations

from samebits.reports.tree import Report
from samebits_parity.train import explanation, report, runs
from samebits_parity.train.pairs import Pairer
from samebits_parity.train.runs import TrainRequest
from samebits_parity.train.values import TrainingValues
from samebits_parity.train.verdict import TrainVerdict, begin_alike, judge

__all__ = ["against", "compare", "told"]


def compare(asked: TrainRequest) -> Report:
    """Run both and compare them. Raises SamebitsError if one cannot be run."""
    runs.check(asked)
    return against(asked, runs.train(asked, "A", asked.steps))


def against(asked: TrainRequest, a: TrainingValues) -> Report:
    """Run B, and compare it with the values of A."""
    if not a.steps or not a.weights:
        return report.nothing_seen(asked, "A")
    needs_weights = asked.single or asked.carry
    b = runs.train(asked, "B", 1 if needs_weights else asked.steps)
    if not b.steps or not b.weights:
        return report.nothing_seen(asked, "B")
    pairs, left = Pairer(a, b).pairs()
    if left:
        return report.unpaired(asked, left)
    if needs_weights and (asked.carry or begin_alike(a, b, pairs)):
        b, pairs = runs.fed(asked, a, b, pairs)
    return told(asked, judge(a, b, pairs, single=asked.single, carried=asked.carry))


def told(asked: TrainRequest, judged: TrainVerdict) -> Report:
    """Return the report of what was judged."""
    first = judged.first
    return report.found(asked, judged, explanation.reasons(judged, first) if first is not None else [])
