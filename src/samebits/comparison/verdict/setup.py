"""The setup as the trials saw it: interpreter, machine, packages, and which controls took effect.

It also says when a difference is not a divergence: if the trials that differ had different files or machines.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import words
from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict.groups import Comparison
from samebits.comparison.verdict.leaks import leak_advice, leak_contents, leak_sentence, trials_with_leaks
from samebits.comparison.verdict.reasons import Reason
from samebits.model import HeldControl, RecordFile, Setup
from samebits.store.trace import ProcessTrace, TrialTrace

if TYPE_CHECKING:
    from samebits.comparison.verdict.warnings import WarningInputs


def setup(record: RecordFile, aligned: Sequence[AlignedTrial]) -> Setup:
    """Return what was held the same. Machine, packages and code are those of the first trial."""
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
        code_changed=_has_changed([trial.trial for trial in aligned], record.directory),
    )


def _has_changed(trials: Sequence[TrialTrace], directory: str) -> bool:
    """Return whether the trials ran at different commits, or with different scripts."""
    with_code = [trial for trial in trials if trial.file.code]
    states = [(trial.file.code.get("commit"), scripts(trial, directory)) for trial in with_code]
    return any(state != states[0] for state in states)


def scripts(trial: TrialTrace, directory: str) -> dict[str, str]:
    """Return the fingerprints of the files that the command names, without those that the trial itself wrote.

    A command names its results, too: `papermill train.ipynb out.ipynb`.
    """
    above = directory or "/"
    wrote = {_lies_at(path, above) for path in [*(file.path for file in trial.files.files), *trial.file.wrote]}
    digests: dict[str, str] = trial.file.code.get("files") or {}
    return {name: digest for name, digest in digests.items() if _lies_at(name, above) not in wrote}


def _lies_at(name: str, directory: str) -> str:
    return os.path.normpath(Path(directory, name))


def _python(record: RecordFile, first: TrialTrace | None) -> str | None:
    executables = [process.facts.get("executable") for process in first.observed] if first else []
    return record.python or next((str(path) for path in executables if path), None)


def packages(trial: TrialTrace) -> dict[str, str]:
    """Return the versions that the launcher found, and those that the processes had imported."""
    versions = dict(trial.file.packages)
    for process in trial.observed:
        for event in process.events_named("packages"):
            listed = event.get("packages")
            versions.update({str(k): str(v) for k, v in listed.items()} if isinstance(listed, dict) else {})
    return versions


def control(identity: str, trials: Sequence[TrialTrace]) -> HeldControl:
    """Return what a control did: its worst reading, or unreadable if no reading was possible.

    It is idle only if nothing read it in any process, up to the end: a worker may be the only process that draws.
    """
    processes = [process for trial in trials for process in trial.observed or trial.processes]
    events = [event for process in processes for event in _of(process, identity)]
    reading: dict[str, Any] = min(events, key=_rank, default={"effect": "unreadable"})
    if reading["effect"] == "idle":
        every = (event for trial in trials for process in trial.processes for event in _of(process, identity))
        reading = next((event for event in every if event["effect"] == "held"), reading)
    return HeldControl(id=identity, effect=reading["effect"], why=str(reading.get("why") or ""))


_RANKS = ("undone", "overruled", "held", "idle", "unreadable")


def _rank(event: dict[str, Any]) -> tuple[int, bool]:
    """Return the order of readings: by effect. Among equal effects, a reading with a sentence comes first."""
    return _RANKS.index(event["effect"]), not event.get("why")


def _of(process: ProcessTrace, identity: str) -> list[dict[str, Any]]:
    return [e for e in process.events_named("control") if e.get("id") == identity and e.get("effect") in _RANKS]


# the facts of the machine that can change the bits (loads, times and free memory cannot)
MACHINE_FACTS = (
    "host", "system", "kernel", "libc", "architecture", "processor", "instructions", "cores", "gpus", "gpu", "driver",
    "cuda", "accelerators",
)  # fmt: skip


def why_no_divergence(comparison: Comparison, record: RecordFile, *, nodes_asked: bool = False) -> Reason | None:
    """Return why the difference may come from files or machines, or None. `nodes_asked`: see `verdict.judge`."""
    doubt = _leaked(comparison, record)
    return doubt if doubt or nodes_asked else _other_machine(comparison)


def _explained(comparison: Comparison, labels: Mapping[int, Hashable]) -> bool:
    """Return whether all trials that differ in bits also differ in their labels."""
    groups = [(group, other) for group, other in combinations(comparison.groups, 2)]
    return all(labels[a] != labels[b] for group, other in groups for a in group for b in other)


def _leaked(comparison: Comparison, record: RecordFile) -> Reason | None:
    trials = [aligned.trial for aligned in comparison.aligned]
    leaking = trials_with_leaks(trials)
    if not leaking or not _explained(comparison, {trial.id: leak_contents(trial) for trial in trials}):
        return None
    return Reason(f"{leak_sentence(leaking, record)}.", leak_advice(leaking[0].file.leaks[0], record), code="leak")


def _other_machine(comparison: Comparison) -> Reason | None:
    facts = {aligned.id: machine_facts(aligned.trial) for aligned in comparison.aligned}
    labels = {number: tuple(sorted(own.items())) for number, own in facts.items()}
    if len(set(labels.values())) < 2 or not _explained(comparison, labels):
        return None
    differing = words.listed(differing_facts([aligned.trial for aligned in comparison.aligned]))
    return Reason(
        f"the trials did not have the same setup: their bits differ, and so do their machines ({differing}).",
        "Run all trials on one machine (on a cluster: --spread same), or compare nodes: samebits vary --factor node.",
        code="machines",
    )


def differing_facts(trials: Sequence[TrialTrace]) -> list[str]:
    """Return the facts that can change bits and in which the machines of these trials differ."""
    facts = [machine_facts(trial) for trial in trials]
    names = sorted({name for own in facts for name in own})
    return [name for name in names if len({own.get(name) for own in facts}) > 1]


def machine_facts(trial: TrialTrace) -> dict[str, str]:
    """Return the machine's facts that can change bits, as the launcher and the processes saw them."""
    readings = [trial.file.machine, *(e.get("machine", {}) for p in trial.observed for e in p.events_named("machine"))]
    sources = [source for source in readings if isinstance(source, dict)]
    return {name: str(source[name]) for source in sources for name in MACHINE_FACTS if name in source}


# -- warnings about the code of the trials, and the packages that they had --------------------------------------------


def changed_code(inputs: WarningInputs) -> Iterator[str]:
    if inputs.setup.code_changed:
        yield "the code was changed between the trials"


def uncommitted_code(inputs: WarningInputs) -> Iterator[str]:
    if any(trial.file.code.get("dirty") for trial in inputs.trials):
        yield "the code has changes that are not committed; the commit alone does not identify the code that ran"


def different_packages(inputs: WarningInputs) -> Iterator[str]:
    by_trial = [packages(trial) for trial in inputs.trials if trial.observed]
    names = sorted({name for versions in by_trial for name in versions})
    differing = [name for name in names if len({versions[name] for versions in by_trial if name in versions}) > 1]
    if differing:
        yield f"the trials had different versions of {words.listed(differing)}"
