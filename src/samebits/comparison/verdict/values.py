"""Looks up single points in the traces, and the final of a trial: one fingerprint of the model that it ended with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samebits import words
from samebits.comparison.evidence.judge import Judgement, MemoryEvidence
from samebits.comparison.files.file_difference import FileDifference
from samebits.comparison.files.file_pairs import shown_path
from samebits.comparison.traces import networks
from samebits.comparison.traces.beside import EVALUATIONS, GLOBALS, NUMBERS, PairJudge, PointDifference, idle, is_apart
from samebits.comparison.traces.differing_rows import Row
from samebits.comparison.traces.processes import AlignedTrial, Member
from samebits.names import matches_any
from samebits.store.trace import Point, ProcessTrace, TrialTrace, chunks
from samebits_probe import wire


@dataclass
class PointValues:
    """One point: the fingerprint of each trial, and each exact number as text -> the trials that have it."""

    fingerprints: dict[int, bytes] = field(default_factory=dict)
    scalars: dict[str, list[int]] = field(default_factory=dict)


def values_at(row: Row, member: Member, aligned: Sequence[AlignedTrial]) -> PointValues:
    """Return the value of each trial at the point. Trials without the point are left out."""
    values = PointValues()
    for trial in aligned:
        twin = next((other for other in trial.members if other.key == member.key), None)
        if twin is None:
            continue
        fingerprint = _fingerprint(twin.trace, row)
        if fingerprint is not None:
            values.fingerprints[trial.id] = fingerprint
        scalar = _scalar(twin.trace, row)
        if scalar is not None:
            values.scalars.setdefault(repr(scalar), []).append(trial.id)
    return values


def _fingerprint(trace: ProcessTrace, row: Row) -> bytes | None:
    numbers = trace.point_numbers(wire.KINDS[row.kind], row.name)
    for part in chunks(trace.rows) if numbers else []:
        mask = (part["point"] == numbers[0]) & (part["step"] == row.step) & (part["occurrence"] == row.occurrence)
        if mask.any():
            return bytes(part["fingerprint"][mask.argmax()].tobytes())
    return None


def _scalar(trace: ProcessTrace, row: Row) -> float | None:
    numbers = trace.point_numbers(wire.KINDS[row.kind], row.name)
    if not numbers:
        return None
    rows = trace.scalars
    mask = (rows["point"] == numbers[0]) & (rows["step"] == row.step) & (rows["occurrence"] == row.occurrence)
    return float(rows["value"][mask][0]) if mask.any() else None


def curve(trace: ProcessTrace, number: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (steps, values) of a scalar point, in the order in which they were kept."""
    rows = trace.scalars[trace.scalars["point"] == number]
    return np.asarray(rows["step"]), np.asarray(rows["value"])


# -- looser precisions at which trials agree although their bits differ; the report shows them beside the verdict -----


_DIGITS = (9, 6, 4, 3, 2)


def agreements(aligned: Sequence[AlignedTrial]) -> list[str]:
    """Return the sentences on what agrees in all trials. If a stricter precision holds, looser ones are left out."""
    if len(aligned) < 2:
        return []
    return [*dict.fromkeys((*_printed(aligned), *_curves(aligned)))]


def _printed(aligned: Sequence[AlignedTrial]) -> Iterator[str]:
    files = [trial.trial.file for trial in aligned if trial.whole]
    if len(files) < len(aligned):
        return
    for name in files[0].metrics:
        text = files[0].metrics_printed.get(name)
        if text is not None and all(other.metrics_printed.get(name) == text for other in files):
            yield f"the metric {name} is the same in all trials, to the printed digits ({text})"


def _curves(aligned: Sequence[AlignedTrial]) -> Iterator[str]:
    for member in aligned[0].members:
        traces = [twin.trace for trial in aligned for twin in trial.members if twin.key == member.key]
        if len(traces) < len(aligned):
            continue
        for kind in ("forward", "end"):
            names = [member.trace.points[number].name for number in member.trace.point_numbers(kind)]
            curves = filter(None, (_curve(kind, name, traces) for name in names))
            yield from (f"{member.process.name}: {text}" if member.process.name else text for text in curves)


def _curve(kind: str, name: str, traces: list[ProcessTrace]) -> str | None:
    """Return how many digits of a scalar agree at every step that all trials have."""
    curves = [curve(trace, numbers[0])[1] for trace in traces if (numbers := trace.point_numbers(kind, name))]
    length = min((len(values) for values in curves), default=0)
    if len(curves) < len(traces) or not length:
        return None
    values = np.stack([values[:length] for values in curves])
    if kind == "end" and np.array_equal(values, np.broadcast_to(values[0], values.shape), equal_nan=True):
        return None  # flags and counters of a module that never change say nothing about precision
    digits = next((digits for digits in _DIGITS if _agree(values, digits)), None)
    if digits is None:
        return None
    steps = kind == "forward" and length > 1
    where = f"at all {words.count(length, 'step')} that were compared" if steps else "in all trials"
    return f"{name} is the same to {digits} digits {where}"


def _agree(values: NDArray[np.float64], digits: int) -> bool:
    """Return whether the rows are the same when each number is printed with so many significant digits."""
    rounded = significant(values, digits)
    first = rounded[0]
    return bool(((rounded == first) | (np.isnan(rounded) & np.isnan(first))).all())


def significant(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Return the values rounded to so many significant digits."""
    usable = np.isfinite(values) & (values != 0)
    magnitude = np.zeros(values.shape)
    magnitude[usable] = np.floor(np.log10(np.abs(values[usable])))
    scale = 10.0 ** np.clip(digits - 1 - magnitude, -300, 300)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(usable, np.round(values * scale) / scale, values)


# -- the final of a trial ---------------------------------------------------------------------------------------------


def final(aligned: AlignedTrial) -> str | None:
    """32 hex digits over the end weights of all processes, or over the files if nothing else of the trial was seen.

    None if the end was not seen.
    """
    if not aligned.whole:
        return None
    parts = _of_processes(aligned) or sorted(_named_files(aligned.trial))
    if not parts:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for name, fingerprint in parts:
        digest.update(name.encode("utf-8", "backslashreplace") + b"\0" + fingerprint)
    return digest.hexdigest()


def _of_processes(aligned: AlignedTrial) -> list[tuple[str, bytes]]:
    """Return the end weights of all processes, in the order of their content: siblings begin in any order."""
    processes = sorted(end_weights(member.trace) for member in aligned.members)
    return [part for parts in processes for part in parts]


def end_weights(trace: ProcessTrace) -> list[tuple[str, bytes]]:
    """Return (name, fingerprint) of the last values of models.

    These are all values whose initial value was seen. If the modules that were alive at the end were read, these are
    all tensors of the process. Networks are in the order of their content, whatever their labels.
    """
    weights, labels = weight_names(trace), networks.labels(trace)
    networks_found: dict[str, list[tuple[str, bytes]]] = {}
    numbers = [number for number in trace.point_numbers("end") if _is_weight(trace, number, weights)]
    untrained = idle(trace)
    numbers = [number for number in numbers if trace.points[number].name not in untrained] or numbers
    for row in trace.rows[np.isin(trace.rows["point"], numbers)]:
        label, rest = networks.split(trace.points[int(row["point"])].name, labels)
        part = (f"{rest}#{row['occurrence']}", row["fingerprint"].tobytes())
        # what the program's globals hold belongs to no network
        networks_found.setdefault(GLOBALS if rest.startswith(GLOBALS) else label, []).append(part)
    return [part for parts in sorted(sorted(parts) for parts in networks_found.values()) for part in parts]


def _is_weight(trace: ProcessTrace, number: int, weights: set[str]) -> bool:
    point = trace.points[number]
    if not weights or point.name in weights:
        return True
    return bool(trace.events_named("model")) and not is_apart(point) and point.dtype not in NUMBERS


def weight_names(trace: ProcessTrace) -> set[str]:
    """Return the names of initial weights and buffers; if none were seen, names of what had a gradient."""
    starts = {point.name for point in trace.points if point.kind == "start"}
    return starts or {point.name for point in trace.points if point.kind == "gradient"}


def _named_files(trial: TrialTrace) -> Iterator[tuple[str, bytes]]:
    for file in trial.files.files:
        for name, part in file.parts.items() if file.named else []:
            yield f"{shown_path(file, trial)} > {name}", part.digest.encode()


# -- arrays that the program's globals held at the end and that differ ------------------------------------------------


_FED = frozenset(wire.CODE[kind] for kind in ("batch", "forward"))


def global_differences(
    traces: tuple[ProcessTrace, ProcessTrace],
    names: Mapping[str, bool],
    evidence: MemoryEvidence,
    ignores: Sequence[str],
) -> Iterator[FileDifference]:
    """Say what each difference means. `names`: name of each point that differs -> whether only one trial has it."""
    judge, last = PairJudge(*traces, {}, evidence), np.array([traces[0].last_step])
    for name, missing in sorted(names.items()):
        if not matches_any(name, ignores):
            meaning = _meaning(PointDifference(Point("end", name), "number", last, 1, missing), judge, traces)
            text = f"the array {name.removeprefix(GLOBALS)}, which the program held when it ended"
            text += " in some trials only" if missing else ""
            yield FileDifference(
                name,
                text,
                effect=meaning.effect,
                reason=meaning.reason,
                path=name,
                by_name=meaning.by_name,
                is_open=meaning.effect == "unknown" and not missing,
            )


def _is_of_model(trace: ProcessTrace, path: str) -> bool:
    """Return whether the probe says that an array belongs to a model."""
    for event in trace.events_named("globals"):
        arrays = event.get("arrays")
        facts = arrays.get(path) if isinstance(arrays, dict) else None
        if isinstance(facts, dict) and facts.get("model"):
            return True
    return False


def _meaning(difference: PointDifference, judge: PairJudge, traces: tuple[ProcessTrace, ProcessTrace]) -> Judgement:
    by_value = judge.by_value(difference)
    if by_value is not None:
        return by_value.meaning
    name = difference.point.name
    if any(_is_of_model(trace, name.removeprefix(GLOBALS)) for trace in traces):
        return Judgement(judge.of_leaf(difference), "it belongs to a model")
    if all(_is_input_or_output(trace, name) for trace in traces):
        return Judgement("understood", "it is an input or an output of a model, not a part of a model")
    return Judgement("unknown")


def _is_input_or_output(trace: ProcessTrace, name: str) -> bool:
    """Return whether exactly these bits went into a model, or came out of one."""
    prints = trace.rows_of("end", name=name)["fingerprint"]
    fed = np.array([_is_fed(point.kind, point.name) for point in trace.points], bool)
    return len(prints) > 0 and any(_holds(part, fed, bytes(prints[-1])) for part in chunks(trace.rows))


def _is_fed(kind: str, name: str) -> bool:
    return wire.CODE[kind] in _FED or (kind == "end" and name.startswith(EVALUATIONS))


def _holds(rows: NDArray[np.void], fed: NDArray[np.bool_], fingerprint: bytes) -> bool:
    prints = np.ascontiguousarray(rows[fed[rows["point"]]]["fingerprint"])
    wanted = np.frombuffer(fingerprint, "<u8")
    return bool((prints.view("<u8").reshape(-1, 2) == wanted).all(axis=1).any())
