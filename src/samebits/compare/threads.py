"""Trainings in several threads of one process: which of them is watched is a race, so its steps are no evidence.

What such a process ended with is evidence, if each trial watched the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.compare import words
from samebits.compare.align import normal_argv
from samebits.compare.coverage import has_named_file
from samebits.compare.finals import end_weights
from samebits.compare.values import point_numbers
from samebits.model import Divergence
from samebits.store.trace import ProcessTrace, TrialTrace

TRAINS_ELSEWHERE = "training in another thread"  # the point of the watcher's not-observed event


def trains_elsewhere(process: ProcessTrace) -> bool:
    """Whether a thread trained that was not the one watched."""
    return any(event.get("point") == TRAINS_ELSEWHERE for event in process.events_named("not-observed"))


def trained_in_threads(trials: Sequence[TrialTrace]) -> tuple[str, str] | None:
    """(reason, advice) where an observed process trained in more than the thread that is watched; else None."""
    ids = [trial.id for trial in trials if any(map(trains_elsewhere, trial.observed))]
    if not ids:
        return None
    racing = [process for trial in trials for process in trial.observed if trains_elsewhere(process)]
    agree = "; the weights that they ended with agree" if all(_has(process, "end") for process in racing) else ""
    return (
        f"more than one thread trained in {words.trials(ids)}: only one of them is watched, and which one may change, "
        f"so their steps were not compared{agree}.",
        "Train in one thread, or compare what the program saves: --full --artifact GLOB.",
    )


def told(divergence: Divergence | None, trials: Sequence[TrialTrace]) -> Divergence | None:
    """The divergence; at the end of a training in several threads, with the steps between which it arose."""
    racing = [process for trial in trials for process in trial.processes if trains_elsewhere(process)]
    if divergence is None or divergence.kind != "end" or not racing:
        return divergence
    where = f"between steps 0 and {divergence.step:,}, several threads trained"
    return divergence.model_copy(update={"detail": f"{where}; {divergence.detail}" if divergence.detail else where})


def without_racing_traces(trials: Sequence[TrialTrace], command: Sequence[str] = ()) -> list[TrialTrace]:
    """The trials, and of processes that trained in threads only what they ended with, where that can be compared.

    Where each trial wrote files that --artifact names, these are what is compared.
    """
    alike = _by_arguments(trials, command)
    racing = [processes for processes in alike if any(map(trains_elsewhere, processes))]
    if not racing:
        return list(trials)
    if all(has_named_file(trial) for trial in trials):
        return _with(trials, [(process, 0) for processes in racing for process in processes], ())
    longest = [(process, max(one.steps for one in processes)) for processes in racing for process in processes]
    return _with(trials, longest, ("rng", "end") if all(map(_are_comparable, racing)) else ("rng",))


def _by_arguments(trials: Sequence[TrialTrace], command: Sequence[str]) -> list[list[ProcessTrace]]:
    """The processes of all trials, those of equal arguments together."""
    found: dict[tuple[str, ...], list[ProcessTrace]] = {}
    for trial in trials:
        for process in trial.processes:
            found.setdefault(normal_argv(process.facts["argv"], trial, command), []).append(process)
    return list(found.values())


def _are_comparable(processes: Sequence[ProcessTrace]) -> bool:
    """Whether all of them watched the same model up to its end.

    If each began with the same weights, or with generators in different states (it is not seeded, then), it did. Else
    each trial may have watched the model of a different thread.
    """
    ended = [process.end is not None and bool(end_weights(process)) for process in processes]
    names = {
        frozenset(process.points[number].name for number in point_numbers(process, "end")) for process in processes
    }
    is_seeded = len({_first(process, "rng") for process in processes}) == 1
    has_one_start = len({_first(process, "start") for process in processes}) == 1
    return all(ended) and len(names) == 1 and (has_one_start or not is_seeded)


def _first(process: ProcessTrace, kind: str) -> frozenset[tuple[str, bytes]]:
    """(name, fingerprint) of the points of a kind, in the first step at which there are any."""
    rows = process.records[_rows(process, (kind,))]
    rows = rows[rows["step"] == rows["step"].min()] if len(rows) else rows
    return frozenset((process.points[int(row["point"])].name, row["fingerprint"].tobytes()) for row in rows)


def _has(process: ProcessTrace, kind: str) -> bool:
    return bool(_rows(process, (kind,)).any())


def _rows(process: ProcessTrace, kinds: Sequence[str]) -> NDArray[np.bool_]:
    numbers = [number for kind in kinds for number in point_numbers(process, kind)]
    return np.isin(process.records["point"], numbers)


def _with(
    trials: Sequence[TrialTrace], racing: Sequence[tuple[ProcessTrace, int]], kinds: Sequence[str]
) -> list[TrialTrace]:
    """The trials with records of these kinds alone in racing processes, of which each made so many steps."""
    steps = {id(process): number for process, number in racing}
    return [
        replace(trial, processes=[_ended(p, steps[id(p)], kinds) if id(p) in steps else p for p in trial.processes])
        for trial in trials
    ]


def _ended(process: ProcessTrace, steps: int, kinds: Sequence[str]) -> ProcessTrace:
    """The process as if it had made so many steps, of which nothing was seen."""
    records: NDArray[Any] = np.array(process.records[_rows(process, kinds)])
    ends = np.isin(records["point"], point_numbers(process, "end"))
    records["step"][ends] = steps
    end = dict(process.end, steps=steps) if process.end is not None and kinds else process.end
    return replace(process, records=records[ends | (records["step"] < 0)], end=end)
