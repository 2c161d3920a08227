"""At which step groups diverge from each other, where the steps of processes that follow each other are counted on."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from samebits.compare.groups import Comparison, PairDifference
from samebits.compare.processes import AlignedTrial
from samebits.model import GroupSplit

MOST_PAIRS = 66  # twelve groups, each with each; of more, each with the reference only


def group_splits(comparison: Comparison) -> list[GroupSplit]:
    """Of each two groups, the step at which they diverge."""
    places = range(len(comparison.groups))
    pairs = list(combinations(places, 2))
    if len(pairs) > MOST_PAIRS:
        home = comparison.groups.index(comparison.group_of(comparison.reference.id))
        pairs = [(min(home, other), max(home, other)) for other in places if other != home]
    starts = stage_starts(comparison.aligned)
    steps = max((trial.steps for trial in comparison.aligned), default=0)
    return [GroupSplit(first=a, second=b, step=_step(_pair(comparison, a, b), starts, steps)) for a, b in pairs]


def stage_starts(trials: Iterable[AlignedTrial]) -> dict[int, int]:
    """The place of a process among those that observed something -> the step at which it begins."""
    longest: dict[int, int] = {}
    for trial in trials:
        for member in trial.members:
            longest[member.order] = max(longest.get(member.order, 0), member.trace.steps)
    starts, at = {}, 0
    for order in sorted(longest):
        starts[order] = at
        at += longest[order]
    return starts


def _pair(comparison: Comparison, a: int, b: int) -> PairDifference:
    first, second = (comparison.trial(comparison.groups[place][0]) for place in (a, b))
    return comparison.pair(first, second)


def _step(pair: PairDifference, starts: dict[int, int], steps: int) -> int:
    """The first step that differs; the number of all steps where only what was left behind does. Before step 0: -1."""
    places = []
    for part in pair.members:
        begin = starts.get(part.member.order, 0)
        if part.alone:
            places.append(begin)
        elif part.found.rows:
            step = part.found.rows[0].step
            places.append(begin + step if step >= 0 else begin - (begin == 0))
    return min(places, default=steps)
