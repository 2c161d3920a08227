"""Finds the earliest point at which trials diverge from the reference, and what else differs there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from samebits import words
from samebits.comparison.traces.beside import EVALUATIONS
from samebits.comparison.traces.differing_rows import Row
from samebits.comparison.traces.processes import AlignedTrial, Member, program
from samebits.comparison.verdict.file_order import file_order
from samebits.comparison.verdict.groups import Comparison, MemberDifference, PairDifference
from samebits.comparison.verdict.values import values_at
from samebits.model import Divergence, GroupPoint, Kind, ProcessKey
from samebits_probe import wire

MOST_DETAILS = 50
_AFTER_ALL = 1 << 32
_CODES = wire.CODE


@dataclass(frozen=True, order=True)
class DifferencePlace:
    """Where something differs.

    The fields are in the order of judging: process, step, kind, rank, then the order of execution.
    """

    order: int
    step: int
    kind: int
    rank: int
    position: int


@dataclass(frozen=True)
class FirstDifference:
    """One difference between the reference and another trial."""

    place: DifferencePlace
    name: str
    process: ProcessKey
    detail: str
    row: Row | None = None
    member: Member | None = None

    @property
    def point(self) -> tuple[int, int, int, int, str, int]:
        """The point. Equal for two trials that differ from the reference at the same place."""
        place, occurrence = self.place, self.row.occurrence if self.row else 0
        return (place.order, place.rank, place.step, place.kind, self.name, occurrence)


def find_divergence(comparison: Comparison) -> Divergence | None:
    """Return the first divergence, or None if all trials are in one group."""
    if len(comparison.groups) < 2:
        return None
    reference = comparison.reference
    home = comparison.group_of(reference.id)
    by_trial = {trial.id: _differences(comparison, trial) for trial in comparison.aligned if trial.id not in home}
    first = min((differences[0] for differences in by_trial.values() if differences), key=lambda f: f.place)
    where = {number for number, differences in by_trial.items() if any(f.point == first.point for f in differences)}
    return Divergence(
        step=first.place.step,
        kind=_kind(first),
        name=first.name,
        trials=sorted(where),
        process=first.process,
        detail=first.detail or _in_words(first, comparison),
        details=_details(first, by_trial),
        within=_within(first),
        files=file_order(comparison, min(where), first.process),
    )


def _within(first: FirstDifference) -> dict[str, int]:
    """Return the epoch (or the evaluation after an epoch), the last checkpoint before the difference, and the cell.

    Each is left out if it is not known. The line of the cell is known if only one of its lines made steps.
    """
    if first.member is None or _kind(first) in ("start", "end"):
        return {}
    step, trace, evaluates = first.place.step, first.member.trace, first.name.startswith(EVALUATIONS)
    epochs, cells, files = (
        [event for event in trace.events_named(name) if 0 <= event.get("step", -1) <= step]
        for name in ("pass", "cell-runs", "wrote")
    )
    cell = cells[-1].get("number") if cells else None
    lines = [event.get("line") for event in trace.events_named("cell-line") if event.get("number") == cell]
    line = lines[0] if cell and len(lines) == 1 else None
    # an evaluation between two steps belongs to the second step; a file between them may have been saved after it
    saved = max((event["step"] for event in files if event["step"] <= step - evaluates), default=0)
    known = {"checkpoint": saved, "cell": cell, "line": line}
    place = {name: number for name, number in known.items() if number}
    ended = sum(event["step"] < step for event in epochs)
    if evaluates and 0 < ended < len(epochs):
        place |= {"evaluation": ended}  # what runs before the first step of an epoch belongs to that step
    elif len(epochs) > 1:
        place |= {"epoch": len(epochs), "step": step - epochs[-1]["step"] + 1}
    return place


def _differences(comparison: Comparison, trial: AlignedTrial) -> list[FirstDifference]:
    """Return what differs between the reference and a trial of a different group, in the order of judging.

    The groups were made by comparing the earlier trial with the later one. If the other direction shows nothing, that
    comparison counts.
    """
    reference = comparison.reference
    for a, b in ((reference, trial), (trial, reference)):
        if differences := sorted(_all(a, comparison.pair(a, b)), key=lambda difference: difference.place):
            return differences
    return []


def group_points(comparison: Comparison) -> list[GroupPoint | None]:
    """Return where each group diverges from the reference; None for the group of the reference."""
    if len(comparison.groups) < 2:
        return [None for _ in comparison.groups]
    reference, against = comparison.reference, comparison.against_reference()
    home = comparison.group_of(reference.id)
    return [None if group == home else _point(reference, against[group[0]]) for group in comparison.groups]


def _point(reference: AlignedTrial, pair: PairDifference) -> GroupPoint | None:
    first = min(_all(reference, pair), key=lambda difference: difference.place, default=None)
    return GroupPoint(step=first.place.step, kind=_kind(first), name=first.name) if first is not None else None


def _all(reference: AlignedTrial, pair: PairDifference) -> Iterator[FirstDifference]:
    step = reference.steps
    for part in pair.members:
        yield from _of_member(part, took_steps=step > 0)
    command = ProcessKey(order=0, argv=program(reference.command))  # if no process observed anything
    process = reference.members[0].process if reference.members else command
    for number, file in enumerate(pair.files):
        kind = "structure" if file.missing else "end"
        place = DifferencePlace(len(reference.members) + 1, step, _CODES[kind], 0, number)
        yield FirstDifference(place, file.name, process, file.detail)


def _of_member(part: MemberDifference, *, took_steps: bool) -> Iterator[FirstDifference]:
    """Yield the differences of a process. `took_steps`: whether any process of the trial did."""
    member, rank = part.member, part.member.key.rank
    if part.alone:
        place = DifferencePlace(member.order, 0, _CODES["structure"], rank, 0)
        detail = f"the process {words.command(member.key.argv)} ran in some trials only"
        yield FirstDifference(place, "process", member.process, detail)
        return
    # if a process of the trial took steps, one without steps only holds what others trained: the cause is in the others
    after = _AFTER_ALL if took_steps and not member.trace.steps else 0
    rows = [_of_row(row, part, after) for row in part.difference.rows]
    if rows:
        yield from _of_rng(part, rows[0].place)
    yield from rows


def _of_row(row: Row, part: MemberDifference, after: int) -> FirstDifference:
    member = part.member
    kind = _CODES["structure"] if row.missing else row.kind
    # if points are missing, the kind that is judged first names the divergence
    position = row.position + (row.kind << 48 if row.missing else 0)
    place = DifferencePlace(member.order + after, row.step, kind, member.key.rank, position)
    if not row.missing:
        return FirstDifference(place, row.name, member.process, "", row, member)
    ended = min(part.steps)
    if part.steps[0] != part.steps[1] and row.step >= ended:
        counts = f"{words.count(part.steps[0], 'step')} against {part.steps[1]:,}"
        detail = f"the trials made different numbers of steps: {counts}"
        return FirstDifference(place, "steps", member.process, detail, row, member)
    detail = f"{wire.KINDS[row.kind]} {row.name} was observed in some trials only"
    return FirstDifference(place, row.name, member.process, detail, row, member)


def _of_rng(part: MemberDifference, first: DifferencePlace) -> Iterator[FirstDifference]:
    """Yield random states that first agreed and then differed before anything else.

    States that were sampled at the end are left out.
    """
    member = part.member
    for number, (name, (step, agreed)) in enumerate(sorted(part.difference.rng.items())):
        place = DifferencePlace(member.order, step, _CODES["rng"], member.key.rank, number)
        at_end = member.trace.end is not None and step >= min(part.steps)
        if agreed and not at_end and place < first:
            detail = f"{words.rng(name)} agreed at the start and differs from step {step:,} on"
            yield FirstDifference(place, name, member.process, detail)


def _kind(difference: FirstDifference) -> Kind:
    return cast(Kind, wire.KINDS[difference.place.kind])


def _in_words(first: FirstDifference, comparison: Comparison) -> str:
    """Say how many different values the point has, and the numbers themselves if they were kept."""
    row, member = first.row, first.member
    if row is None or member is None:
        return ""
    values = values_at(row, member, comparison.aligned)
    parts = [_tensor(row)] if row.point.dtype else []
    different = len(set(values.fingerprints.values()))
    if different > 1:  # the trials of the record given by --against are not among these
        parts.append(f"{different} different values in {words.count(len(values.fingerprints), 'trial')}")
    if values.scalars:
        parts.append(", ".join(f"{value} in {words.trials(ids)}" for value, ids in values.scalars.items()))
    parts.append(span(row, member, comparison.reference))
    return "; ".join(part for part in parts if part)


def _tensor(row: Row) -> str:
    sizes = [f"{size:,}" for size in row.point.shape]
    return f"{row.point.dtype} {'vector of ' if len(sizes) == 1 else ''}{' x '.join(sizes)}".strip()


def _details(first: FirstDifference, by_trial: dict[int, list[FirstDifference]]) -> list[dict[str, object]]:
    """Return further differences of the same process and step, in the order of judging, at most fifty."""
    places: dict[tuple[object, ...], tuple[FirstDifference, list[int]]] = {}
    for number, differences in sorted(by_trial.items()):
        for other in differences:
            same_step = (other.place.order, other.place.step) == (first.place.order, first.place.step)
            if same_step and other.point != first.point:
                places.setdefault(other.point, (other, []))[1].append(number)
    rows = sorted(places.values(), key=lambda item: item[0].place)[:MOST_DETAILS]
    return [_detail(other, trials) for other, trials in rows]


def _detail(difference: FirstDifference, trials: list[int]) -> dict[str, object]:
    row = difference.row
    return {
        "step": difference.place.step,
        "kind": _kind(difference),
        "name": difference.name,
        "rank": difference.place.rank,
        "occurrence": row.occurrence if row else 0,
        "trials": trials,
        "detail": difference.detail,
    }


# -- processes of one trial that train side by side: what one of them did explains what another holds -----------------


def named(member: Member) -> str:
    """Return the process as multiprocessing calls it, or by its place."""
    return member.process.name or f"process {member.order + 1}"


def trained_beside(member: Member, trial: AlignedTrial) -> list[Member]:
    """Return the other processes of the trial that made steps.

    A rank has none, because its siblings do what it does.
    """
    if member.trace.facts.get("world_size") not in (None, 1):
        return []
    return [other for other in trial.members if other is not member and other.trace.steps]


def span(row: Row, member: Member, trial: AlignedTrial) -> str:
    """Say between which two points of the process the difference arose, and which processes trained meanwhile."""
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
