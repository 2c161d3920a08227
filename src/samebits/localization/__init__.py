"""Finds where trials diverge: step, phase, module, operator. New trials run for the modules, and for the operators."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from samebits import checks, comparison, ops
from samebits.documents import InspectionRound, Location, TensorDistance
from samebits.experiment import Progress, Request, captures, recorded_trials
from samebits.experiment.estimates import CostEstimate
from samebits.kept_record import judged
from samebits.launch import origin
from samebits.localization import inspection, path, phrases
from samebits.localization.inspection import InspectedTrials, Looker, looker
from samebits.localization.path import Way
from samebits.model import Divergence, Result
from samebits.ops.documents import DifferingPlace
from samebits.store import Record, Tensor, TensorLog, open_record, write_document
from samebits.store.record import LOCATION
from samebits.store.tensor_log import TensorRow
from samebits_probe import wire

__all__ = ["locate", "run"]


def run(
    asked: Request | Path, progress: Progress | None = None, *, run: bool = False, heat: bool = False
) -> tuple[Record, Result]:
    """Find out where the trials of a request (after a check) or of the record in a folder diverge.

    `run`: run the command even if the record is from elsewhere. `heat`: also measure the distance of every tensor.
    Returns the record and its result. The result has no location if the trials do not diverge. Raises the errors of
    `checks.run`; for a record, NotFoundError if its command or its folder is gone, UsageError if its scripts have
    changed, and UntrustedRecord if it is from elsewhere.
    """
    record, result = _recorded(asked, run=run) if isinstance(asked, Path) else _checked(asked, progress)
    return record, result.model_copy(update={"location": locate(record, result, progress, heat=heat)})


def _checked(request: Request, progress: Progress | None) -> tuple[Record, Result]:
    ended = checks.run(request, progress)
    return ended.experiment.record, ended.result


def _recorded(folder: Path, *, run: bool) -> tuple[Record, Result]:
    record = open_record(folder)
    recorded_trials.usable(record)
    result = judged(record)
    if result.verdict == "diverged":
        origin.require(record, run=run)
        recorded_trials.refuse_changed(record, "locate")
    return record, result


# -- modules are inspected, then operators, each in trials of its own -------------------------------------------------
# For the heat map of a page, it also measures how far apart two trials are in every tensor of some steps.

TURNS = 3  # inspections of modules, at most: a race may diverge in a different step each time
_WATCHER = "pytorch"  # the only library whose operators can be replayed


def locate(record: Record, result: Result, progress: Progress | None = None, *, heat: bool = False) -> Location | None:
    """Narrow down the divergence of a record, and write locate.json into it. Returns None if it did not diverge.

    `heat`: also measure the distance of every tensor.

    Raises NotFoundError if its command, interpreter or folder is gone.
    """
    where = result.divergence
    if where is None or result.verdict != "diverged":
        return None
    checks.stop_tells(record.folder)
    progress = progress or Progress()
    progress.estimate(_cost(result, where, heat=heat))
    with looker(record, where, progress) as eye:
        location = _structure(record, where) if where.kind == "structure" else _narrow(eye, record, result, where)
        if heat:
            apart, notes = distances(eye, where, max(2, len(result.trials)))
            location = location.model_copy(update={"distances": apart, "notes": [*location.notes, *notes]})
    if where.size is None or where.size.shown is None:
        measurable = captures.measurable(result, [trial.file for trial in record.trials], math.inf)
        size = captures.measure(record, measurable) if measurable is not None else None
        location = location.model_copy(update={"size": size})
    write_document(record.folder / LOCATION, location)
    return location


def _cost(result: Result, where: Divergence, *, heat: bool) -> CostEstimate:
    """Return how many trials the inspections need: of modules, more than once if a race moves, then of operators."""
    count = max(2, len(result.trials))
    further = count if heat else 0
    fewest = (0 if where.kind == "structure" else 1 if where.kind in _NOT_INSIDE else 2) * count + further
    most = (1 if where.kind in _NOT_INSIDE else TURNS + 1) * count + 1 + further
    seconds = sum(trial.seconds for trial in result.trials) / len(result.trials)
    return CostEstimate("locate needs", fewest, max(most, fewest), seconds, result.at_a_time)


def _narrow(eye: Looker, record: Record, result: Result, where: Divergence) -> Location:
    """Narrow down the divergence from the step to the operator."""
    count = max(2, len(result.trials))
    looks, inspected, where, again = _look_at_modules(eye, where, count)
    notes = _notes(inspected)
    if again is None:
        sentence = phrases.not_again(count, _share(result))
        return _location(where, sentence, found=False, looks=looks, notes=notes)
    measured = _measures(inspected, again, eye.follow)  # now, because the trials of the next inspection replace these
    if again.kind in _NOT_INSIDE:
        notes.append(not_inside(again.kind, again.step))
        return _located(Way(again), measured, looks=looks, notes=notes)
    step = max(again.step, 0)
    way = path.of_modules(again, inspected.trials) if step == inspected.step else Way(again)
    notes += [] if step == inspected.step else [_ELSEWHERE]
    second = eye.look(step, "operator", count)
    looks.append(_look_document("operator", second, second.divergence))
    way, remarks = path.of_operators(way, second)
    notes = list(dict.fromkeys([*notes, *_notes(second), *remarks]))
    outside = way.is_unlike or phrases.is_setting(way.where)
    ran_again = [] if outside else _replay_lines(record, step, eye.experiment.folder / "ops", eye.experiment.progress)
    return _located(way, measured, looks=looks, notes=notes, replayed=ran_again)


_ELSEWHERE = "No inspection of modules reached the step in which its trials diverged: a race moves from step to step."

_NOT_INSIDE = {
    "start": "The models differ before they are trained: their initialisation lies outside of the step.",
    "rng": "A random state differs first: the cause lies before the model is called.",
    "batch": "The model is fed different data: the cause lies before the model is called.",
    "end": "All steps have the same bits: the difference arose after the last one.",
}
_NO_STEP = "samebits saw no step of this program: only what it held or had written at its end can be compared."


def not_inside(kind: str, step: int) -> str:
    """Return why no step is looked into, for a divergence of one of these kinds at this step."""
    return _NO_STEP if kind == "end" and step == 0 else _NOT_INSIDE[kind]


def _look_at_modules(
    eye: Looker, where: Divergence, count: int
) -> tuple[list[InspectionRound], InspectedTrials, Divergence, Divergence | None]:
    """Return (all inspections, the last one, the divergence of the record, the divergence of the last trials)."""
    looks: list[InspectionRound] = []
    step = max(where.step, 0)
    for _ in range(TURNS):
        inspected = eye.look(step, "module", count)
        again = inspected.divergence
        looks.append(_look_document("module", inspected, again))
        if again is None or max(again.step, 0) == step:
            break
        step = max(again.step, 0)
    return looks, inspected, where, again


def _look_document(level: str, inspected: InspectedTrials, again: Divergence | None) -> InspectionRound:
    trials = inspected.trials
    groups = path.groups(trials)
    parted = len(trials) - len(groups[0]) if groups else 0
    if again is not None:
        parted = max(parted, len(again.trials))
    earliest = f"step {again.step:,} > {again.kind} > {again.name}" if again is not None else ""
    return InspectionRound.model_validate(
        {"level": level, "step": inspected.step, "trials": len(trials), "parted": parted, "earliest": earliest}
    )


def _measures(inspected: InspectedTrials, where: Divergence, follow: str) -> dict[str, Any]:
    """Return what the values of an inspection show: distances, a common factor, accesses without an order."""
    pair = inspection.diverging_pair(inspected.trials, where)
    return {
        "unordered": inspected.trials[0].unordered if where.kind in ("update", "gradient", "forward") else [],
        "growth_of": follow,
        "growth": inspection.growth(*pair) if pair else [],
        "words": inspection.update_looks(*pair, max(where.step, 0)) if pair and where.kind == "update" else "",
    }


def _located(way: Way, measured: dict[str, Any], **fields: object) -> Location:
    sizes = [first.size.looks for first in (way.operator, way.module) if first is not None and first.size is not None]
    measured = {**measured, "words": measured["words"] or next(iter(sizes), "")}
    sentence, places = way.sentence(), way.path()
    own = {"path": places, "module": way.module, "operator": way.operator, "diff": way.diff}
    return _location(way.where, sentence, found=True, **own, **measured, **fields)


def _location(where: Divergence, sentence: str, *, found: bool, **fields: object) -> Location:
    return Location.model_validate(
        {"found": found, "sentence": sentence, "step": where.step, "kind": where.kind, "name": where.name, **fields}
    )


def _structure(record: Record, where: Divergence) -> Location:
    """Return the location of trials that did not do the same in a step: a diff of their observations."""
    reference, other = _two(record, where)
    lines = path.diff_lines(_observed(record, reference, where), _observed(record, other, where))
    sentence = f"They did different things at step {where.step:,}: {where.detail}."
    note = f"-: trial {reference} only; +: trial {other} only."
    return _location(where, sentence, found=True, path=phrases.path(where, None, None), diff=lines, notes=[note])


def _two(record: Record, where: Divergence) -> tuple[int, int]:
    numbers = [trial.id for trial in record.trials]
    return next(number for number in numbers if number not in where.trials), where.trials[0]


def _observed(record: Record, number: int, where: Divergence) -> list[str]:
    """Return the observations of one trial as lines, from the step before the divergence to the step after it."""
    trial = next(trial for trial in record.trials if trial.id == number)
    if where.process.order >= len(trial.observed):
        return []
    process = trial.observed[where.process.order]
    near = (process.rows["step"] >= where.step - 1) & (process.rows["step"] <= where.step + 1)
    rows = process.rows[near]
    return [
        f"step {row['step']:,}  {wire.KINDS[row['kind']]} {process.points[row['point']].name}"
        for row in rows
        if wire.KINDS[row["kind"]] != "rng"
    ]


def _replay_lines(record: Record, step: int, folder: Path, progress: Progress) -> list[str]:
    """Write `operator (phase, line), differed in k of n replays` for each operator, in the order of their first runs.

    In a backward, the line is that of the forward that it belongs to. Returns an empty list if nothing can be replayed.

    `folder`: where the run has its record; the caller removes it.
    """
    if not _uses_torch(record):
        return []
    request = replace(recorded_trials.request_of(record), overwrite=False)
    result = ops.replay(request, step, folder=folder, progress=progress)
    texts = [
        f"{place.operator} ({_place_of(place)}), differed in {place.replays_differed} of {place.replays} replays"
        for place in result.differed
    ]
    return list(dict.fromkeys(texts))


def _place_of(place: DifferingPlace) -> str:
    if not place.line:
        return place.phase
    return f"{place.phase}{' of' if place.phase == 'backward' else ','} {place.file}:{place.line}"


def _uses_torch(record: Record) -> bool:
    processes = [process for trial in record.trials for process in trial.observed]
    return any(event.get("name") == _WATCHER for process in processes for event in process.events_named("watcher"))


def _share(result: Result) -> float:
    sizes = [len(group) for group in result.groups]
    return 1 - max(sizes) / sum(sizes)


def _notes(inspected: InspectedTrials) -> list[str]:
    """Return the notes on an inspection: the first failed trial, and each different note of the watchers."""
    failures = [f"A trial of an inspection did not end well: {why}." for why in inspected.failed[:1]]
    return failures + list(dict.fromkeys(note for execution in inspected.trials for note in execution.notes))


# -- distances for the heat map ---------------------------------------------------------------------------------------


BEFORE = 2  # steps before the divergence
MOST_BYTES = 1 << 27  # of values that one process keeps
FULL = f"the values of the steps take more than {MOST_BYTES >> 20} MiB: the heat map ends earlier"
AGAIN = "no heat map by distance: the trials that kept their values did not diverge"
Key = tuple[int, str, str, int]  # step, kind, name, and the number of earlier tensors with these three


def distances(eye: Looker, where: Divergence, count: int) -> tuple[list[TensorDistance], list[str]]:
    """Return (the distances between two trials that diverge, notes). `count`: how many trials run again for them."""
    step = max(where.step, 0)
    wanted = {"first": max(step - BEFORE, 0), "last": step + eye.more, "most": MOST_BYTES, "layers": True}
    pair = eye.keep(wanted, count)
    if pair is None:
        return [], [AGAIN]
    logs = [TensorLog(execution.folder) for execution in pair if execution.folder is not None]
    is_full = any(process.events_named("tensors-full") for execution in pair for process in execution.trial.processes)
    series = list(_series(*logs)) if len(logs) == len(pair) else []
    return series, [FULL] if is_full else []


def _series(a: TensorLog, b: TensorLog) -> Iterator[TensorDistance]:
    """Yield a row for each tensor that both trials kept, in the order of the first trial."""
    mine, theirs = _tensors(a), _tensors(b)
    rows: dict[tuple[str, str], list[tuple[int, float | None]]] = {}
    for key, read in mine.items():
        if key in theirs:
            step, kind, name, _ = key
            rows.setdefault((kind, name), []).append((step, _distance(a.read(read), b.read(theirs[key]))))
    for (kind, name), row in rows.items():
        steps, relative = zip(*row, strict=True)
        yield TensorDistance(kind=kind, name=name.removeprefix(wire.LAYER), steps=list(steps), relative=list(relative))


def _tensors(log: TensorLog) -> dict[Key, TensorRow]:
    count, rows = Counter[tuple[int, str, str]](), dict[Key, TensorRow]()
    for row in log.rows:
        place = (row.step, row.kind, row.name)
        rows[row.step, row.kind, row.name, count[place]] = row
        count[place] += 1
    return rows


def _distance(a: Tensor, b: Tensor) -> float | None:
    """Return the relative distance: 0 for the same bits; None for different bits without such a distance."""
    if a == b:
        return 0.0
    return comparison.relative_distance(a.data, b.data, a.dtype) if (a.dtype, a.shape) == (b.dtype, b.shape) else None
