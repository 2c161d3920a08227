"""Trainings in several threads of one process: a race decides which of them is watched, so its steps are no evidence.

The end of such a process is evidence if each trial watched the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from samebits import words
from samebits.comparison.traces.coverage import has_named_file
from samebits.comparison.traces.processes import normal_argv
from samebits.comparison.verdict.values import end_weights
from samebits.model import Divergence
from samebits.store.trace import ProcessTrace, TrialTrace
from samebits_probe.wire import OWN_MODEL, TRAINS_ELSEWHERE


def trains_elsewhere(process: ProcessTrace) -> bool:
    """Return whether an unwatched thread trained."""
    return any(event.get("point") == TRAINS_ELSEWHERE for event in process.events_named("not-observed"))


def trained_in_threads(trials: Sequence[TrialTrace]) -> tuple[str, str] | None:
    """Return (reason, advice) if an observed process trained in more threads than the watched one; else None."""
    ids = [trial.id for trial in trials if any(map(trains_elsewhere, trial.observed))]
    if not ids:
        return None
    racing = [process for trial in trials for process in trial.observed if trains_elsewhere(process)]
    agree = "; their final weights agree" if all(len(process.rows_of("end")) for process in racing) else ""
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
    longest = [(process, max(twin.steps for twin in processes)) for processes in racing for process in processes]
    return _with(trials, longest, ("rng", "end") if all(map(_are_comparable, racing)) else ("rng",))


def _by_arguments(trials: Sequence[TrialTrace], command: Sequence[str]) -> list[list[ProcessTrace]]:
    """Return the processes of all trials, grouped by their arguments."""
    groups: dict[tuple[str, ...], list[ProcessTrace]] = {}
    for trial in trials:
        for process in trial.processes:
            groups.setdefault(normal_argv(process.facts["argv"], trial, command), []).append(process)
    return list(groups.values())


def _are_comparable(processes: Sequence[ProcessTrace]) -> bool:
    """Return whether all of them watched the same model up to its end: each began with the same weights.

    If the threads train models of their own, each trial may have watched the model of a different thread.
    """
    if any(event.get("why") == OWN_MODEL for process in processes for event in process.events_named("not-observed")):
        return False
    ended = [process.end is not None and bool(end_weights(process)) for process in processes]
    names = {frozenset(process.points[number].name for number in process.point_numbers("end")) for process in processes}
    return all(ended) and len(names) == 1 and len(set(map(_initial_values, processes))) == 1


def _initial_values(process: ProcessTrace) -> frozenset[tuple[str, bytes]]:
    """Return (name, fingerprint) of the weights at the first step that has any."""
    rows = process.rows_of("start")
    rows = rows[rows["step"] == rows["step"].min()] if len(rows) else rows
    return frozenset((process.points[int(row["point"])].name, row["fingerprint"].tobytes()) for row in rows)


def _with(
    trials: Sequence[TrialTrace], racing: Sequence[tuple[ProcessTrace, int]], kinds: Sequence[str]
) -> list[TrialTrace]:
    """Return the trials. Racing processes keep only rows of these kinds, and count as having made so many steps."""
    changed = {id(process): _ended(process, steps, kinds) for process, steps in racing}
    return [replace(trial, processes=[changed.get(id(p), p) for p in trial.processes]) for trial in trials]


def _ended(process: ProcessTrace, steps: int, kinds: Sequence[str]) -> ProcessTrace:
    """Return the process as if it had made so many steps unseen."""
    rows = process.rows_of(*kinds)
    ends = np.isin(rows["point"], process.point_numbers("end"))
    rows["step"][ends] = steps
    end = dict(process.end, steps=steps) if process.end is not None and kinds else process.end
    return replace(process, rows=rows[ends | (rows["step"] < 0)], end=end)
