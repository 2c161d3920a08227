"""Checks that enough was observed for equal bits to mean something: weights, the end, and batch or loss."""

from __future__ import annotations

from samebits import words
from samebits.comparison.traces.processes import normal_argv
from samebits.store.formats import TENSOR_FORMATS
from samebits.store.trace import ProcessTrace, TrialTrace


def kinds_observed(process: ProcessTrace) -> set[str]:
    """Return the kinds of points that the process has."""
    return {point.kind for point in process.points}


def named_by_program(process: ProcessTrace) -> bool:
    """Return whether the program itself named every value that was observed, with `observe`."""
    how = {event.get("how") for event in process.events_named("observed-by")}
    return how == {"observe"}


def adds_updates(process: ProcessTrace) -> bool:
    """Return whether the change of the weights was observed at each step.

    If so, batch, loss and gradient are not required.
    """
    return any(event.get("how") == "apply-updates" for event in process.events_named("observed-by"))


def has_named_file(trial: TrialTrace) -> bool:
    """Return whether the trial wrote a file that --artifact names, or printed lines to a stream that it names."""
    printed = [file for file in trial.files.printed if file.lines is not None and any(file.lines.kept)]
    return any(file.named for file in (*trial.files.files, *printed))


def unended(trial: TrialTrace) -> str | None:
    """Describe an observed process whose end was not seen; None if there is none."""
    process = next((process for process in trial.observed if process.end is None), None)
    if process is None:
        return None
    if process.facts.get("name"):
        return f"the process {process.facts['name']}"
    command = words.command(normal_argv(process.facts["argv"], trial, ()))
    return command if process.facts.get("forked_from") is None else f"a forked copy of {command}"


def uncovered(trial: TrialTrace, *, whole: bool) -> list[str]:
    """Name what is missing of weights, end, and batch or loss in a process that made steps."""
    lacking: dict[str, None] = {}
    for process in trial.observed:
        if process.steps > 0:
            look = _lacking_by_program if named_by_program(process) else _lacking
            lacking.update(dict.fromkeys(look(process, trial, whole=whole)))
    return list(lacking)


def _lacking_by_program(process: ProcessTrace, _trial: TrialTrace, *, whole: bool) -> list[str]:
    """It is enough to observe what the program names, unless it names only inputs of the training."""
    # every program has a recorded end; only an end that the program named says what it trained
    named = {event.get("kind") for event in process.events_named("observed-by")} & {"end"}
    return [] if not whole or kinds_observed(process) & {"forward", "gradient", "update"} or named else ["the weights"]


def _lacking(process: ProcessTrace, trial: TrialTrace, *, whole: bool) -> list[str]:
    kinds = kinds_observed(process)
    lacking = []
    if not kinds & {"update", "end"}:
        lacking.append("the weights")
    if (
        whole
        and ("end" not in kinds or process.events_named("unheld"))
        and not any(file.named or file.format in TENSOR_FORMATS for file in trial.files.files)
    ):
        lacking.append("the end")
    if not kinds & {"batch", "forward"} and not adds_updates(process):
        lacking.append("batch and loss")
    return lacking
