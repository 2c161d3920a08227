"""Says in a paragraph what a check has shown, and what it has not tried: for the checklist of a paper."""

from __future__ import annotations

from collections.abc import Iterator

from samebits import words
from samebits.model import Result
from samebits.reports.result_words import path

__all__ = ["paragraph"]


def paragraph(result: Result) -> str:
    """Return the paragraph for a result that is not `inconclusive`."""
    return " ".join([*_shown(result), *_setup(result), *_not_tried(result)])


def _shown(result: Result) -> Iterator[str]:
    trials, scope = sum(map(len, result.groups)), result.scope
    which = "all" if scope.kind == "whole" else "the first"
    is_one = scope.kind == "whole" and scope.steps_compared == 1
    steps = "its one step" if is_one else f"{which} {words.count(scope.steps_compared, 'step')}"
    yield f"We ran the training ({words.command(result.setup.command)}) {trials} times with samebits {result.samebits}."
    if result.verdict == "repeated":
        files = f" and of {words.count(scope.files_compared, 'file')} that it left" if scope.files_compared else ""
        yield f"The bits of {steps}{files} were the same in all trials."
    elif result.divergence is not None:
        place = " > ".join(path(result.divergence))
        yield f"The trials did not have the same bits. The first difference: {place}."


def _setup(result: Result) -> Iterator[str]:
    machine = result.setup.machine
    gpu = f", {machine['gpus']}" if machine.get("gpus") else ", no GPU"
    yield f"The machine: {machine.get('processor', 'unknown processor')}{gpu}."
    held = [control.id for control in result.setup.controls]
    yield f"samebits held these controls: {', '.join(held)}." if held else "The program ran as it is."


def _not_tried(result: Result) -> Iterator[str]:
    later = "steps after these, " if result.scope.kind == "prefix" else ""
    nodes = "" if result.across else "other machines, "
    yield (
        f"Not tried: {later}{nodes}other versions of the libraries, other numbers of threads, other seeds, and "
        "training resumed from a checkpoint."
    )
    if result.scope.not_observed:
        yield f"Not observed: {words.listed(result.scope.not_observed)}."
    if result.warnings:
        yield f"samebits warned: {'; '.join(warning.rstrip('.') for warning in result.warnings)}."
    if result.verdict == "repeated":
        percent = 100 * result.detection.seen_if_in_one_of_ten
        noticed = f"with a probability of {percent:.0f} %"
        yield f"A difference that occurs in one of ten runs would have been noticed {noticed}."
