"""The setup as the trials saw it: interpreter, machine, packages, and which controls took effect."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samebits.comparison.doubts import machine_facts
from samebits.comparison.processes import AlignedTrial
from samebits.model import HeldControl, RecordFile, Setup
from samebits.store.trace import ProcessTrace, TrialTrace


def setup(record: RecordFile, aligned: Sequence[AlignedTrial]) -> Setup:
    """What was held the same; machine, packages and code are those of the first trial."""
    first = aligned[0].trial if aligned else None
    return Setup(
        command=record.command,
        python=_python(record, first),
        environment=record.environment,
        preset=record.preset,
        controls=[control(number, [trial.trial for trial in aligned]) for number in record.controls],
        seed=record.seed,
        machine={**first.file.machine, **machine_facts(first)} if first else {},
        packages=packages(first) if first else {},
        code=first.file.code if first else {},
    )


def scripts(trial: TrialTrace, directory: str) -> dict[str, str]:
    """Fingerprints of the files that the command names, without those that the trial itself wrote.

    A command names its results, too: `papermill train.ipynb out.ipynb`.
    """
    above = directory or "/"
    wrote = {_lies_at(file.path, above) for file in trial.files.files}
    named: dict[str, str] = trial.file.code.get("files") or {}
    return {name: digest for name, digest in named.items() if _lies_at(name, above) not in wrote}


def _lies_at(name: str, directory: str) -> str:
    return os.path.normpath(Path(directory, name))


def _python(record: RecordFile, first: TrialTrace | None) -> str | None:
    executables = [process.facts.get("executable") for process in first.observed] if first else []
    return record.python or next((str(path) for path in executables if path), None)


def packages(trial: TrialTrace) -> dict[str, str]:
    """Versions that the launcher found, and those that the processes had imported."""
    found = dict(trial.file.packages)
    for process in trial.observed:
        for event in process.events_named("packages"):
            listed = event.get("packages")
            found.update({str(k): str(v) for k, v in listed.items()} if isinstance(listed, dict) else {})
    return found


def control(identity: str, trials: Sequence[TrialTrace]) -> HeldControl:
    """What a control did: the reading that says most against it. That one was not possible counts where none was."""
    events = [event for trial in trials for process in _speakers(trial) for event in _of(process, identity)]
    said: dict[str, Any] = min(events, key=_rank, default={"effect": "unreadable"})
    return HeldControl(id=identity, effect=said["effect"], why=str(said.get("why") or ""))


_RANKS = ("undone", "overruled", "idle", "held", "unreadable")


def _rank(event: dict[str, Any]) -> tuple[int, bool]:
    """By what it says; of equal ones, that with a sentence goes first."""
    return _RANKS.index(event["effect"]), not event.get("why")


def _speakers(trial: TrialTrace) -> list[ProcessTrace]:
    """The processes that trained; where none did, all."""
    return trial.observed or trial.processes


def _of(process: ProcessTrace, identity: str) -> list[dict[str, Any]]:
    return [e for e in process.events_named("control") if e.get("id") == identity and e.get("effect") in _RANKS]
