"""Decides which trials with a faster clock count. A faster clock may have changed the program's behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from samebits.comparison.evidence.judge import Judge
from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict.groups import PairDifference, pair_difference
from samebits.model import RecordFile
from samebits.store.trace import TrialTrace

__all__ = ["DECIDES", "DID_NOT_END_WELL", "CountedTrials", "counted"]

DID_NOT_END_WELL = "did not end well"
DECIDES = "trained differently"


class CountedTrials(NamedTuple):
    """`trials`: those that count. `left_out`: why other trials with a faster clock do not count, by number."""

    trials: list[TrialTrace]
    left_out: dict[int, str]


def counted(record: RecordFile, trials: Sequence[TrialTrace]) -> CountedTrials:
    """Return the trials that count.

    A trial with a faster clock counts if it was whole, and has the bits of a trial with a true clock, at every step and
    in every result. It also counts if a trial with an even faster clock has these bits: then the clock is not the
    reason for its differences. Otherwise the clock may be the reason, so the trial shows nothing about the program.
    """
    whole = [trial for trial in trials if trial.file.clock_rate == 1 and _is_whole(trial)]
    timed = sorted((trial for trial in trials if trial.file.clock_rate != 1), key=lambda trial: -trial.file.clock_rate)
    left_out: dict[int, str] = {}
    if whole and timed:
        true = _TrueTrials(whole, record)
        left_out = {trial.id: DID_NOT_END_WELL for trial in timed if not _is_whole(trial)}
        for trial in filter(_is_whole, timed):
            if true.agree_with(trial):
                break
            left_out[trial.id] = DECIDES
    return CountedTrials([trial for trial in trials if trial.id not in left_out], left_out)


def _is_whole(trial: TrialTrace) -> bool:
    return trial.file.status == "complete"


class _TrueTrials:
    """The whole trials whose clock is true."""

    def __init__(self, trials: Sequence[TrialTrace], record: RecordFile) -> None:
        self._trials, self._record = [AlignedTrial(trial, record.command) for trial in trials], record
        first, *others = self._trials
        self._differing = {difference.name for other in others for difference in self._pair(first, other).left}

    def agree_with(self, trial: TrialTrace) -> bool:
        """Return whether a trial has the same bits as one of these trials, in everything that counts.

        A place at which these trials differ from each other says nothing about the clock.
        """
        aligned = AlignedTrial(trial, self._record.command)
        return any(self._are_equal(self._pair(other, aligned)) for other in self._trials)

    def _pair(self, a: AlignedTrial, b: AlignedTrial) -> PairDifference:
        return pair_difference(a, b, Judge([a.trial, b.trial]), self._record.options.ignores)

    def _are_equal(self, pair: PairDifference) -> bool:
        steps = all(part.difference.equal and not part.alone for part in pair.members)
        return steps and all(difference.name in self._differing for difference in pair.files)
