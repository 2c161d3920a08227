"""Groups the trials by their bits, over everything that was compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from samebits.comparison.evidence.judge import Judge, MemoryEvidence
from samebits.comparison.evidence.laws import Finding
from samebits.comparison.files.file_difference import FileDifference
from samebits.comparison.files.written_files import file_differences
from samebits.comparison.traces.differences import TraceDifference, difference
from samebits.comparison.traces.networks import with_holders
from samebits.comparison.traces.processes import AlignedTrial, Member, MemberKey, missing_ranks, pairs
from samebits.comparison.verdict.used_generators import drawn, used_unseeded
from samebits.comparison.verdict.values import global_differences
from samebits.model import GroupSplit
from samebits.names import matches_any


class MemberDifference(NamedTuple):
    """What differs in one process. `alone`: only one of the trials has the process."""

    member: Member
    difference: TraceDifference
    alone: bool = False
    steps: tuple[int, int] = (0, 0)
    other: Member | None = None


@dataclass(frozen=True)
class PairDifference:
    """Everything that differs between two trials, process by process, and in what they left.

    `left`: all differences in what they left. `files`: those of them that count.
    """

    members: list[MemberDifference]
    left: list[FileDifference]

    @property
    def files(self) -> list[FileDifference]:
        """The differences in files, prints and metrics that count."""
        return [item for item in self.left if item.effect == "counts"]

    @property
    def equal(self) -> bool:
        """Whether everything compared has the same bits."""
        return not self.files and all(part.difference.equal and not part.alone for part in self.members)

    @property
    def indistinct(self) -> list[MemberKey]:
        """Processes that differ, and whose siblings differ too. For them, pairing is a guess."""
        unequal = [part.member.key for part in self.members if not part.difference.equal]
        many = Counter(key.family for key in unequal)
        return [key for key in unequal if many[key.family] > 1]


@dataclass
class Comparison:
    """Trials compared two at a time, each pair once. `aligned`: the trials that take part, by number.

    `ignores`: patterns of files that do not count. `known`: what earlier trials have shown (see `Judge`).
    """

    aligned: list[AlignedTrial]
    ignores: Sequence[str] = ()
    known: Mapping[str, Finding | None] = field(default_factory=dict)
    groups: list[list[int]] = field(default_factory=list)
    _known: dict[tuple[int, int], PairDifference] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.judge = Judge((trial.trial for trial in self.aligned if trial.whole), self.known)
        self.groups = _grouped(self)

    def pair(self, a: AlignedTrial, b: AlignedTrial) -> PairDifference:
        """Return what differs between two trials; names and order are those of the first."""
        key = (a.id, b.id)
        if key not in self._known:
            self._known[key] = pair_difference(a, b, self.judge, self.ignores)
        return self._known[key]

    def known_pairs(self) -> list[tuple[tuple[int, int], PairDifference]]:
        """Return every pair compared so far, with the numbers of its trials."""
        return sorted(self._known.items(), key=lambda item: item[0])

    def pairs(self) -> list[PairDifference]:
        """Return every pair compared so far."""
        return list(self._known.values())

    @property
    def reference(self) -> AlignedTrial:
        """The first trial of the largest group. Of equally large groups, the one that begins earlier counts."""
        largest = max(self.groups, key=lambda group: (len(group), -group[0]))
        return self.trial(largest[0])

    def trial(self, number: int) -> AlignedTrial:
        """Return the trial of a number."""
        return next(trial for trial in self.aligned if trial.id == number)

    def group_of(self, number: int) -> list[int]:
        """Return the group that a trial is in."""
        return next(group for group in self.groups if number in group)

    def against_reference(self) -> dict[int, PairDifference]:
        """Return the comparison of every other trial with the reference, by its number."""
        reference = self.reference
        return {trial.id: self.pair(reference, trial) for trial in self.aligned if trial.id != reference.id}


def pair_difference(a: AlignedTrial, b: AlignedTrial, judge: Judge, ignores: Sequence[str] = ()) -> PairDifference:
    """Compare two trials: processes in their order, then files and metrics if both ran to their ends."""
    evidence = MemoryEvidence(judge, a.id, b.id)
    each = (_member_difference(pair, (a, b), evidence) for pair in pairs(a, b))
    members = [part for part in each if part is not None]
    beside = [item for part in members for item in _beside(part, ignores)]
    if not (a.whole and b.whole):
        return PairDifference(members, beside)
    in_memory = [*beside, *(item for part in members for item in _of_globals(part, evidence, ignores))]
    counted = file_differences(a.trial, b.trial, judge, ignores)
    trained = [(part.member.trace, part.other.trace, part.difference) for part in members if part.other is not None]
    generators = used_unseeded(a.trial, b.trial, trained)
    return PairDifference(members, [*in_memory, *(drawn(difference, generators) for difference in counted)])


def _beside(part: MemberDifference, ignores: Sequence[str]) -> Iterator[FileDifference]:
    """Yield the values beside the training that differ, and that nothing or only a name explains."""
    for aside in part.difference.beside:
        meaning = aside.meaning
        if (meaning.effect == "unknown" or meaning.by_name) and not matches_any(aside.place, ignores):
            yield FileDifference(
                aside.place if aside.point.kind == "end" else f"{aside.place} at step {aside.step:,}",
                "all gradients and weights that were compared agree",
                effect=meaning.effect,
                reason=meaning.reason,
                path=aside.place,
                values=aside.values,
                by_name=meaning.by_name,
                is_open=any(aside.values),
            )


def _of_globals(part: MemberDifference, evidence: MemoryEvidence, ignores: Sequence[str]) -> Iterable[FileDifference]:
    if part.other is None or not part.difference.globals:
        return []
    return global_differences((part.member.trace, part.other.trace), part.difference.globals, evidence, ignores)


def _member_difference(
    pair: tuple[Member | None, Member | None], trials: tuple[AlignedTrial, AlignedTrial], evidence: MemoryEvidence
) -> MemberDifference | None:
    (mine, theirs), (a, b) = pair, trials
    if mine is not None and theirs is not None:
        steps = (mine.trace.steps, theirs.trace.steps)
        outcome = difference(mine.trace, theirs.trace, evidence)
        return MemberDifference(mine, with_holders(mine.trace, theirs.trace, outcome), steps=steps, other=theirs)
    present, without = (mine, b) if mine is not None else (theirs, a)
    # a stopped trial did not reach its later processes; a rank without a trace has a reason of its own
    if present is None or not without.whole or missing_ranks(without.trial):
        return None
    return MemberDifference(present, TraceDifference(), alone=True)


def _grouped(comparison: Comparison) -> list[list[int]]:
    """Return the groups by first member.

    Longer trials first: a stopped one joins the first group that it agrees with so far.
    """
    by_length = sorted(comparison.aligned, key=lambda trial: (not trial.whole, -trial.steps, trial.id))
    groups: list[list[AlignedTrial]] = []
    for trial in by_length:
        home = next((group for group in groups if comparison.pair(group[0], trial).equal), None)
        if home is None:
            groups.append([trial])
        else:
            home.append(trial)
    return sorted(sorted(trial.id for trial in group) for group in groups)


# -- the step at which groups diverge; steps are counted through processes that follow each other ---------------------


MOST_PAIRS = 66  # up to twelve groups, each is compared with each; if there are more, only with the reference


def group_splits(comparison: Comparison) -> list[GroupSplit]:
    """Return the step at which each two groups diverge."""
    places = range(len(comparison.groups))
    pairs = list(combinations(places, 2))
    if len(pairs) > MOST_PAIRS:
        home = comparison.groups.index(comparison.group_of(comparison.reference.id))
        pairs = [(min(home, other), max(home, other)) for other in places if other != home]
    starts = stage_starts(comparison.aligned)
    steps = max((trial.steps for trial in comparison.aligned), default=0)
    return [GroupSplit(first=a, second=b, step=_step(_pair(comparison, a, b), starts, steps)) for a, b in pairs]


def stage_starts(trials: Iterable[AlignedTrial]) -> dict[int, int]:
    """Return the place of a process among those that observed something -> the step at which it begins."""
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
    """Return the first step that differs; -1 before step 0; the number of all steps if only the results differ."""
    places = []
    for part in pair.members:
        begin = starts.get(part.member.order, 0)
        if part.alone:
            places.append(begin)
        elif part.difference.rows:
            step = part.difference.rows[0].step
            places.append(begin + step if step >= 0 else begin - (begin == 0))
    return min(places, default=steps)
