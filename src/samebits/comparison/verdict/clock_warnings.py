"""Warnings about trials with a faster clock, and about values that follow the clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from samebits import words
from samebits.comparison.verdict.timed_trials import DECIDES, DID_NOT_END_WELL
from samebits.model import TrialFile

if TYPE_CHECKING:
    from samebits.comparison.verdict.warnings import WarningInputs

__all__ = ["changed_training", "faster_clocks"]


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
