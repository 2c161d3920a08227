"""Two records judged as if they were one: the trials of the second have the numbers after those of the first."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samebits.comparison.processes import normal_argv
from samebits.comparison.verdict import judge
from samebits.errors import UsageError
from samebits.model import RecordFile, Result
from samebits.options import MOST_TRIALS
from samebits.store.record import Record
from samebits.store.trace import ProcessTrace, TrialTrace

# what two records are asked to have in common, as people call it
SAME_ASKED = ("command", "directory", "python", "environment", "preset", "controls", "seed")
SAME_FOUND = ("packages", "code", "machine", "environment")
SHOWN = 5
_PYTHON = re.compile(r"(python|pypy)[\d.]+")  # python3.12 is the same process as python3


@dataclasses.dataclass(frozen=True)
class MergedRecord:
    """Two records as one. It has what reports ask of a record."""

    folder: Path
    file: RecordFile
    trials: list[TrialTrace]


def judged_together(first: Record, second: Record) -> tuple[Any, Result]:
    """(the two as one, the result). UsageError where they cannot be compared."""
    if first.file.hash != second.file.hash:
        raise UsageError(
            f"the records hold fingerprints of two kinds: {first.file.hash} and {second.file.hash}.",
            f"samebits check --against {first.folder} runs the second training with the same kind.",
        )
    joined = join(first, second)
    result = judge(joined.file, joined.trials)
    return joined, result.model_copy(update={"seconds": sum(turn.seconds for turn in joined.file.rounds)})


def join(first: Record, second: Record) -> MergedRecord:
    """One record of both; the second's trials are numbered after the first's."""
    offset = max((trial.id for trial in first.trials), default=0)
    if offset + max((trial.id for trial in second.trials), default=0) > MOST_TRIALS:
        raise UsageError(f"the two records have more than {MOST_TRIALS} trials together.")
    trials = [
        _moved(trial, moved, record.file.command)
        for record, moved in ((first, 0), (second, offset))
        for trial in record.trials
    ]
    options = first.file.options.model_copy(update={"trials": len(trials)})
    changes = {
        "options": options,
        "rounds": [*first.file.rounds, *second.file.rounds],
        "notes": [*first.file.notes, *second.file.notes, *setup_differences(first, second)],
    }
    return MergedRecord(first.folder, first.file.model_copy(update=changes), trials)


def _moved(trial: TrialTrace, offset: int, command: list[str]) -> TrialTrace:
    """The trial under another number; what names the old one in its arguments is made neutral before."""
    leaks = [leak.model_copy(update={"written_by": leak.written_by + offset}) for leak in trial.file.leaks]
    file = trial.file.model_copy(update={"id": trial.id + offset, "leaks": leaks})
    processes = [_neutral(process, trial, command) for process in trial.processes]
    return dataclasses.replace(trial, file=file, processes=processes)


def _neutral(process: ProcessTrace, trial: TrialTrace, command: list[str]) -> ProcessTrace:
    argv = list(normal_argv(process.facts["argv"], trial, command))
    argv[:1] = [_PYTHON.sub(r"\1", word) for word in argv[:1]]
    return dataclasses.replace(process, facts={**process.facts, "argv": argv})


def setup_differences(first: Record, second: Record) -> list[str]:
    """One sentence for each thing that the two setups do not have in common."""
    return [*_asked_differently(first.file, second.file), *_found_differently(first, second)]


def _asked_differently(first: RecordFile, second: RecordFile) -> Iterator[str]:
    for name in SAME_ASKED:
        a, b = getattr(first, name), getattr(second, name)
        if a != b:
            yield f"the records differ in {name}: {_shown(a)} and {_shown(b)}"


def _found_differently(first: Record, second: Record) -> Iterator[str]:
    if not first.trials or not second.trials:
        return
    for name in SAME_FOUND:
        a, b = getattr(first.trials[0].file, name), getattr(second.trials[0].file, name)
        keys = sorted(key for key in {*a, *b} if a.get(key) != b.get(key))
        if keys:
            said = "; ".join(f"{key} {_shown(a.get(key))} and {_shown(b.get(key))}" for key in keys[:SHOWN])
            more = f"; and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
            yield f"the records differ in {name}: {said}{more}"


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "nothing"
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
