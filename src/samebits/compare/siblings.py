"""Processes of one trial that train side by side: what a sibling did explains what a process holds."""

from __future__ import annotations

import numpy as np

from samebits import words
from samebits.compare.differences import Row
from samebits.compare.processes import AlignedTrial, Member
from samebits.compare.values import point_numbers
from samebits.store.trace import chunks
from samebits_probe import wire


def named(member: Member) -> str:
    """The process as multiprocessing calls it, or by its place."""
    return member.process.name or f"process {member.order + 1}"


def trained_beside(member: Member, trial: AlignedTrial) -> list[Member]:
    """The other processes of the trial that made steps; none beside a rank, whose siblings do what it does."""
    if member.trace.facts.get("world_size") not in (None, 1):
        return []
    return [other for other in trial.members if other is not member and other.trace.steps]


def shared_value(row: Row, member: Member, values: dict[int, bytes], trials: list[AlignedTrial]) -> str:
    """That a sibling had trained the very value before the process read it; empty if none is seen to have done so."""
    for trial in trials:
        own = next((one for one in trial.members if one.key == member.key), None)
        value = values.get(trial.id)
        for sibling in trained_beside(own, trial) if own is not None and value is not None else []:
            step = _step_of(sibling, row, value)
            if step is not None:
                return (
                    f"in trial {trial.id} it is what {named(sibling)} held after its step {step:,}: these processes "
                    "share a model, and how far each had trained it depends on which of them is faster"
                )
    return ""


def _step_of(member: Member, row: Row, value: bytes | None) -> int | None:
    """The first step after which a process held the value under the same name."""
    numbers = point_numbers(member.trace, "update", row.name)
    for part in chunks(member.trace.records) if numbers else []:
        here = np.isin(part["point"], numbers) & (part["flag"] == wire.LEAF)
        for found in part[here]:
            if found["fingerprint"].tobytes() == value:
                return int(found["step"])
    return None


def span(row: Row, member: Member, trial: AlignedTrial) -> str:
    """Between which points of the process the difference arose, and which processes trained meanwhile."""
    beside = trained_beside(member, trial)
    if not beside:
        return ""
    meanwhile = f"while {words.listed(named(other) for other in beside)} trained"
    if not member.trace.steps:
        return f"between the start and the end of this process, {meanwhile}"
    if not member.process.name or row.kind == wire.CODE["start"]:
        return ""
    if row.kind == wire.CODE["end"]:
        return f"after step {member.trace.steps - 1:,} of this process, {meanwhile}"
    since = f"step {row.step - 1:,}" if row.step > 0 else "the start"
    return f"between {since} and the {wire.KINDS[row.kind]} of step {row.step:,} of this process, {meanwhile}"
