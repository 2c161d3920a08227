"""The evidence of a divergence. If all trials have it and agree, they have an answer, whatever was not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samebits.comparison.files.file_names import pattern_of
from samebits.comparison.verdict.threads import without_racing_traces
from samebits.endings import ENDED_WELL
from samebits.model import Kind, Result
from samebits.names import matches_any
from samebits.store.trace import ProcessTrace, TrialTrace

KINDS: tuple[Kind, ...] = ("batch", "end")  # first weights show no training, and a loss may hide a difference


@dataclass(frozen=True)
class Sought:
    """A point at a step, or a file or a printed stream at the end. `pattern`: of the file or stream; "" for a point."""

    kind: Kind
    step: int
    name: str
    pattern: str

    def is_in_all(self, trials: Sequence[TrialTrace], command: Sequence[str]) -> bool:
        """Return whether all trials ended well and show it, in what can be compared of them."""
        compared = without_racing_traces(trials, command)
        return all(trial.file.status in ENDED_WELL and self._is_in(trial) for trial in compared)

    def _is_in(self, trial: TrialTrace) -> bool:
        if any(self._is_observed(process) for process in trial.observed):
            return True
        is_there = self.pattern and any(matches_any(path, [self.pattern]) for path in _paths(trial))
        return bool(is_there) and trial.file.status == "complete"

    def _is_observed(self, process: ProcessTrace) -> bool:
        least = -1 if self.kind == "end" else self.step  # trainings that race may end at different steps
        return bool((process.rows_of(self.kind, name=self.name)["step"] >= least).any())


def evidence_of(result: Result | None, trials: Sequence[TrialTrace]) -> Sought | None:
    """Return what showed a divergence in a batch or at the end; None for any other divergence."""
    divergence = result.divergence if result is not None else None
    if divergence is None or divergence.kind not in KINDS:
        return None
    files, name = [_paths(trial) for trial in trials], divergence.name
    path = name.partition(" > ")[0]
    is_file = divergence.kind == "end" and any(path in some for some in files)
    return Sought(divergence.kind, divergence.step, name, pattern_of([path], files) if is_file else "")


def _paths(trial: TrialTrace) -> list[str]:
    return [file.path for file in (*trial.files.files, *trial.files.printed)]
