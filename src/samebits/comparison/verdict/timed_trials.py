"""Trials with a faster clock: which of them count, what they can explain, and what a report says about them.

A faster clock may have changed the program's behaviour. Then the trial does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from samebits import words
from samebits.comparison.evidence.judge import Judge
from samebits.comparison.evidence.laws import Finding
from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict.groups import Comparison, PairDifference, pair_difference
from samebits.model import ClockLaw, RecordFile, TrialFile
from samebits.store.trace import TrialTrace

if TYPE_CHECKING:
    from samebits.comparison.verdict.warnings import WarningInputs

DID_NOT_END_WELL = "did not end well"
DECIDES = "trained differently"
MOST_RESULTS = 1_000  # places that a record keeps whose values follow no law


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


# -- what they can explain, and what they have explained --------------------------------------------------------------


def known_laws(record: RecordFile) -> dict[str, Finding | None]:
    """Return the laws that a record holds, by the names of their places; None: no law."""
    return {value.place: None if value.law == "none" else Finding(value.law, value.ratio) for value in record.settled}


def settled(comparison: Comparison) -> list[ClockLaw]:
    """Return the laws by which this comparison understood differences, and places whose values follow none."""
    findings = comparison.judge.settled.items()
    laws = [ClockLaw(place=place, law=finding.law, ratio=finding.ratio) for place, finding in findings]
    return [*laws, *(ClockLaw(place=place, law="none") for place in sorted(comparison.judge.results)[:MOST_RESULTS])]


def is_open(record: RecordFile, trials: Sequence[TrialTrace]) -> bool:
    """Return whether these trials agree at every step, and differ in something that the experiment could explain."""
    comparison = Comparison(
        [AlignedTrial(t, record.command) for t in trials], record.options.ignores, known_laws(record)
    )
    pairs = [pair for _, pair in comparison.known_pairs()]
    agree = all(part.difference.equal and not part.alone for pair in pairs for part in pair.members)
    return agree and any(difference.is_open for pair in pairs for difference in pair.left)


# -- warnings ---------------------------------------------------------------------------------------------------------


def changed_training(inputs: WarningInputs) -> Iterator[str]:
    """Yield a warning about trials whose faster clock may have changed the training."""
    files = [file for file in _timed(inputs) if inputs.left_out.get(file.id) == DECIDES]
    if files:
        yield (
            f"{_clocks(files)}, and the training differed: it may depend on measured time "
            f"({words.trials([file.id for file in files])} {words.were([file.id for file in files])} not compared)"
        )


def faster_clocks(inputs: WarningInputs) -> Iterator[str]:
    """Yield how many values follow the clock, and which trials show that; then trials that did not end well."""
    timed, number = _timed(inputs), len(inputs.comparison.judge.settled)
    counting = [file for file in timed if file.id not in inputs.left_out]
    follow = f"{words.count(number, 'value')} {words.agree(number, 'follows', 'follow')}"
    if counting:
        yield f"{_clocks(counting)}; {follow if number else 'no value follows'} the clock"
    elif number:
        yield f"{follow} the clock, as was known before these trials"
    for file in timed:
        if inputs.left_out.get(file.id) == DID_NOT_END_WELL:
            why = f": {file.why}" if file.why else ""
            yield f"{_clocks([file])}, and did not end well{why}; so it shows nothing"


def _timed(inputs: WarningInputs) -> list[TrialFile]:
    return [trial.file for trial in inputs.every if trial.file.clock_rate != 1]


def _clocks(files: list[TrialFile]) -> str:
    """``trials 4 and 5 ran with a clock that was 1,000 and 30 times as fast``."""
    rates = words.listed([f"{file.clock_rate:,g}" for file in files])
    return f"{words.trials([file.id for file in files])} ran with a clock that was {rates} times as fast"
