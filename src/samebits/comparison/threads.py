"""Trainings in several threads of one process: a race decides which of them is watched, so its steps are no evidence.

The end of such a process is evidence if each trial watched the same model. If the threads train models of their own,
the models that the program's variables still hold at the end are evidence, whichever of them was watched.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits import words
from samebits.comparison import networks
from samebits.comparison.beside import is_apart
from samebits.comparison.classification import GLOBALS
from samebits.comparison.coverage import has_named_file
from samebits.comparison.file_difference import FileDifference
from samebits.comparison.processes import normal_argv
from samebits.comparison.values import end_weights, point_numbers
from samebits.model import Divergence
from samebits.store.trace import Point, ProcessTrace, TrialTrace
from samebits_probe import wire

Held = tuple[Point, bytes]  # the variable that leads to a tensor, and the tensor's fingerprint

TRAINS_ELSEWHERE = "training in another thread"  # the point of the watcher's not-observed event
# the reason, if it is known (samebits_probe.watchers.trainers)
OWN_MODEL = "a different thread trains a model of its own"
_USUALLY_UNSEEDED = ("python", "numpy")  # few programs of a library that computes draw weights from these


def trains_elsewhere(process: ProcessTrace) -> bool:
    """Return whether an unwatched thread trained."""
    return any(event.get("point") == TRAINS_ELSEWHERE for event in process.events_named("not-observed"))


def trained_in_threads(trials: Sequence[TrialTrace]) -> tuple[str, str] | None:
    """Return (reason, advice) if an observed process trained in more threads than the watched one; else None."""
    ids = [trial.id for trial in trials if any(map(trains_elsewhere, trial.observed))]
    if not ids:
        return None
    racing = [process for trial in trials for process in trial.observed if trains_elsewhere(process)]
    agree = "; their final weights agree" if all(_has(process, "end") for process in racing) else ""
    return (
        f"more than one thread trained in {words.trials(ids)}: samebits watches only one of them, and not always "
        f"the same one, so their steps were not compared{agree}.",
        "Train in one thread, or compare what the program saves: --full --artifact GLOB.",
    )


def with_racing_steps(divergence: Divergence | None, trials: Sequence[TrialTrace]) -> Divergence | None:
    """Return the divergence.

    If it is at the end of a training in several threads, it has the steps between which it arose.
    """
    racing = [process for trial in trials for process in trial.processes if trains_elsewhere(process)]
    if divergence is None or divergence.kind != "end" or not racing:
        return divergence
    where = f"between steps 0 and {divergence.step:,}, several threads trained"
    return divergence.model_copy(update={"detail": f"{where}; {divergence.detail}" if divergence.detail else where})


def numbers_counted(found: FileDifference, trials: Sequence[TrialTrace]) -> FileDifference:
    """Return the difference.

    If it is a number in a file or a print, and several threads trained, it counts: no step explains it.
    """
    if found.effect != "unknown" or not any(trains_elsewhere(p) for trial in trials for p in trial.processes):
        return found
    return replace(found, effect="counts", detail=" and ".join(found.values)) if found.is_number else found


def without_racing_traces(trials: Sequence[TrialTrace], command: Sequence[str] = ()) -> list[TrialTrace]:
    """Return the trials.

    A process that trained in several threads keeps only its end, and only if the ends can be compared. If each trial
    wrote files that --artifact names, these are compared instead.
    """
    alike = _by_arguments(trials, command)
    racing = [processes for processes in alike if any(map(trains_elsewhere, processes))]
    if not racing:
        return list(trials)
    if all(has_named_file(trial) for trial in trials):
        return _with(trials, [(process, 0) for processes in racing for process in processes], ())
    longest = [(process, max(one.steps for one in processes)) for processes in racing for process in processes]
    if all(map(_are_comparable, racing)):
        return _with(trials, longest, ("rng", "end"))
    held = {id(process): found for processes in racing for process, found in _in_variables(processes)}
    return _with(trials, longest, ("rng",), held)


def _by_arguments(trials: Sequence[TrialTrace], command: Sequence[str]) -> list[list[ProcessTrace]]:
    """Return the processes of all trials, grouped by their arguments."""
    found: dict[tuple[str, ...], list[ProcessTrace]] = {}
    for trial in trials:
        for process in trial.processes:
            found.setdefault(normal_argv(process.facts["argv"], trial, command), []).append(process)
    return list(found.values())


def _are_comparable(processes: Sequence[ProcessTrace]) -> bool:
    """Return whether all of them watched the same model up to its end.

    They did if each began with the same weights, or if the generators began in different states (the program is not
    seeded then). Else, or if the threads train models of their own, each trial may have watched the model of a
    different thread.
    """
    if any(_trains_own_models(process) for process in processes):
        return False
    ended = [process.end is not None and bool(end_weights(process)) for process in processes]
    names = {
        frozenset(process.points[number].name for number in point_numbers(process, "end")) for process in processes
    }
    is_seeded = len({_drawn_from(process) for process in processes}) == 1
    has_one_start = len({_first(process, "start") for process in processes}) == 1
    return all(ended) and len(names) == 1 and (has_one_start or not is_seeded)


def _trains_own_models(process: ProcessTrace) -> bool:
    return any(event.get("why") == OWN_MODEL for event in process.events_named("not-observed"))


def _drawn_from(process: ProcessTrace) -> frozenset[tuple[str, bytes]]:
    """Return the first states of the generators that weights are drawn from."""
    return frozenset(state for state in _first(process, "rng") if state[0] not in _USUALLY_UNSEEDED)


def _in_variables(processes: Sequence[ProcessTrace]) -> Iterator[tuple[ProcessTrace, list[Held]]]:
    """Yield (process, what its variables held at the end) of processes with the same arguments.

    All processes have the same names. Tensors that all of them held are paired by their bits. The others are paired in
    the order of their names, because the threads may have put their models into a list in any order.
    """
    found = [_held(process) for process in processes]
    if not all(found):
        return
    shapes = [Counter((point.dtype, point.shape) for point, _ in held) for held in found]
    if any(shape != shapes[0] for shape in shapes):
        return
    shared = functools.reduce(Counter.__and__, (Counter(value for _, value in held) for held in found))
    names = [point for point, _ in _apart(found[0], shared)]
    for process, held in zip(processes, found, strict=True):
        yield process, list(zip(names, (value for _, value in _apart(held, shared)), strict=True))


def _held(process: ProcessTrace) -> list[Held]:
    """Return the tensors of models that the program's variables led to at the end."""
    if process.end is None:
        return []
    known = networks.labels(process)
    paths = {one.label: min(one.paths) for one in networks.networks(process).values() if one.paths}
    found = []
    for row in process.rows[_rows(process, ("end",))]:
        point = process.points[int(row["point"])]
        label, rest = networks.split(point.name, known)
        if label in paths and not is_apart(point) and not point.name.startswith(GLOBALS):
            found.append((point._replace(name=f"{paths[label]}.{rest}"), row["fingerprint"].tobytes()))
    return found


def _apart(held: Sequence[Held], shared: Counter[bytes]) -> list[Held]:
    """Return the tensors in an order that is the same in all processes.

    Those that all processes hold come first, by their bits.
    """
    left, common, rest = Counter(shared), list[Held](), list[Held]()
    for point, value in sorted(held, key=lambda one: (one[0].dtype, one[0].shape, one[0].name)):
        (common if left[value] > 0 else rest).append((point, value))
        left[value] -= 1
    return [*sorted(common, key=lambda one: one[1]), *rest]


def _first(process: ProcessTrace, kind: str) -> frozenset[tuple[str, bytes]]:
    """Return (name, fingerprint) of the points of a kind, at the first step that has any."""
    rows = process.rows[_rows(process, (kind,))]
    rows = rows[rows["step"] == rows["step"].min()] if len(rows) else rows
    return frozenset((process.points[int(row["point"])].name, row["fingerprint"].tobytes()) for row in rows)


def _has(process: ProcessTrace, kind: str) -> bool:
    return bool(_rows(process, (kind,)).any())


def _rows(process: ProcessTrace, kinds: Sequence[str]) -> NDArray[np.bool_]:
    numbers = [number for kind in kinds for number in point_numbers(process, kind)]
    return np.isin(process.rows["point"], numbers)


def _with(
    trials: Sequence[TrialTrace],
    racing: Sequence[tuple[ProcessTrace, int]],
    kinds: Sequence[str],
    held: Mapping[int, Sequence[Held]] = MappingProxyType({}),
) -> list[TrialTrace]:
    """Return the trials. Racing processes keep only rows of these kinds, and count as having made so many steps.

    `held`: what a process (by its id) held at the end, to be compared instead of its own rows of the end.
    """
    steps = {id(process): number for process, number in racing}

    def changed(process: ProcessTrace) -> ProcessTrace:
        ended = _ended(process, steps[id(process)], kinds)
        return _holding(ended, held[id(process)], steps[id(process)]) if id(process) in held else ended

    return [
        replace(trial, processes=[changed(p) if id(p) in steps else p for p in trial.processes]) for trial in trials
    ]


def _ended(process: ProcessTrace, steps: int, kinds: Sequence[str]) -> ProcessTrace:
    """Return the process as if it had made so many steps unseen."""
    rows: NDArray[Any] = np.array(process.rows[_rows(process, kinds)])
    ends = np.isin(rows["point"], point_numbers(process, "end"))
    rows["step"][ends] = steps
    end = dict(process.end, steps=steps) if process.end is not None and kinds else process.end
    return replace(process, rows=rows[ends | (rows["step"] < 0)], end=end)


def _holding(process: ProcessTrace, held: Sequence[Held], steps: int) -> ProcessTrace:
    """Return the process with these tensors as its end."""
    rows = np.zeros(len(held), process.rows.dtype)
    rows["step"], rows["kind"], rows["flag"] = steps, wire.CODE["end"], wire.LEAF
    rows["point"] = range(len(process.points), len(process.points) + len(held))
    rows["fingerprint"] = np.frombuffer(b"".join(value for _, value in held), process.rows.dtype["fingerprint"])
    points = [*process.points, *(point for point, _ in held)]
    return replace(process, points=points, rows=np.concatenate([process.rows, rows]))
