"""Trainings in several threads of one process: which of them is watched is a race, so its trace is no evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from samebits.compare import words
from samebits.compare.align import normal_argv
from samebits.compare.coverage import has_named_file
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
    return (
        f"more than one thread trained in {words.trials(ids)}; only one is watched, and which one may change.",
        "Train in one thread, or compare what the program saves: --full --artifact GLOB.",
    )


def without_racing_traces(trials: Sequence[TrialTrace]) -> list[TrialTrace]:
    """The trials; where each wrote files that --artifact names, processes that trained in threads are seen by these."""
    racing = {_argv(trial, process) for trial in trials for process in trial.processes if trains_elsewhere(process)}
    if not racing or not all(has_named_file(trial) for trial in trials):
        return list(trials)
    return [_without(trial, racing) for trial in trials]


def _argv(trial: TrialTrace, process: ProcessTrace) -> tuple[str, ...]:
    return normal_argv(process.facts["argv"], trial, ())


def _without(trial: TrialTrace, racing: set[tuple[str, ...]]) -> TrialTrace:
    """The trial with the records of these processes left out, in trials that did not notice a second thread too."""
    processes = [
        replace(process, records=process.records[:0]) if _argv(trial, process) in racing else process
        for process in trial.processes
    ]
    return replace(trial, processes=processes)
