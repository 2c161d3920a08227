"""At which levels two records are the same: bits, printed metrics, metrics within the spread of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set

from samebits import words
from samebits.comparison.verdict import MergedRecord
from samebits.model import Level, Result
from samebits.store.trace import TrialTrace

__all__ = ["levels"]


def levels(record: MergedRecord, result: Result) -> list[Level]:
    """Return each level, the strictest first."""
    sides = [[trial for trial in record.trials if trial.id in side.trials] for side in record.sides]
    return [_bits(record, result), _printed(sides), _spread(sides)]


def _bits(record: MergedRecord, result: Result) -> Level:
    """Return whether all trials of both have the same bits; if not, through which step the trials of the two agree."""
    steps = words.count(result.scope.steps_compared, "step")
    if result.divergence is None:
        return Level(name="bits", holds=True if result.verdict == "repeated" else None, says=f"compared: {steps}")
    first, second = (_groups(set(side.trials), result) for side in record.sides)
    if first == second:
        return Level(name="bits", holds=None, says="neither record repeats, and both have the same groups of trials")
    apart = {frozenset((one, other)) for one in first for other in second if one != other}
    found = [split.step for split in result.splits if frozenset((split.first, split.second)) in apart]
    at = min(found, default=result.divergence.step)
    return Level(name="bits", holds=False, says=_parted(at))


def _parted(at: int) -> str:
    if at < 0:
        return "they diverge before the first step"
    return f"through step {at - 1:,}; they diverge at step {at:,}" if at else "they diverge in the first step"


def _groups(trials: Set[int], result: Result) -> set[int]:
    return {place for place, group in enumerate(result.groups) if not trials.isdisjoint(group)}


def _whole(trials: Sequence[TrialTrace]) -> list[TrialTrace]:
    return [trial for trial in trials if trial.file.status == "complete"]


def _printed(sides: Sequence[Sequence[TrialTrace]]) -> Level:
    """Return whether each metric is printed with the same digits by all trials of both."""
    said = [trial.file.metrics_printed for side in sides for trial in _whole(side)]
    names = sorted(set.intersection(*map(set, said))) if all(map(_whole, sides)) else []
    if not names:
        return Level(name="metrics", holds=None, says=_NONE)
    same = [name for name in names if len({printed[name] for printed in said}) == 1]
    other = [name for name in names if name not in same]
    parts = [f"{words.listed(same)} as printed"] if same else []
    parts += [f"not {words.listed(other)}"] if other else []
    return Level(name="metrics", holds=not other, says="; ".join(parts))


_NONE = "no metric was found in complete trials of both records (--metric NAME=REGEX)"


def _spread(sides: Sequence[Sequence[TrialTrace]]) -> Level:
    """Return whether the ranges of each metric overlap. A range needs two trials of each record."""
    values = [[trial.file.metrics for trial in _whole(side)] for side in sides]
    names = sorted(set.intersection(*(set(one) for side in values for one in side))) if all(values) else []
    if not names:
        return Level(name="spread", holds=None, says=_NONE)
    if min(map(len, values)) < 2:
        return Level(name="spread", holds=None, says="a spread needs at least two trials in each record")
    ranges = {name: [(min(found), max(found)) for found in _columns(values, name)] for name in names}
    apart = [name for name, (one, other) in ranges.items() if not (one[0] <= other[1] and other[0] <= one[1])]
    shown = [f"{name} {_range(one)} and {_range(other)}" for name, (one, other) in ranges.items()]
    return Level(name="spread", holds=not apart, says=words.first_few(shown, 4))


def _columns(values: Sequence[Sequence[dict[str, float]]], name: str) -> list[list[float]]:
    return [[one[name] for one in side] for side in values]


def _range(found: tuple[float, float]) -> str:
    return f"{found[0]:.6g}" if found[0] == found[1] else f"{found[0]:.6g} to {found[1]:.6g}"
