"""Finds the checkpoints of a run: which files it saved after which step, and which of these moments to try."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Literal, NamedTuple

from samebits import words
from samebits.audit.alignment import Run
from samebits.audit.result import Checkpoint
from samebits.errors import UsageError
from samebits.store.formats import VALUES, held_by

__all__ = ["WrittenFile", "chosen", "found_in", "numbered_in", "saved_by", "saved_words"]


class WrittenFile(NamedTuple):
    """A file that had changed when a step began. `path`: below the place ("out" or "work")."""

    step: int
    place: Literal["out", "work"]
    path: str
    size: int
    whole: Path


def found_in(run: Run, saved: Sequence[WrittenFile], pattern: str | None) -> list[Checkpoint]:
    """Return the checkpoints of a run among its files, the earliest first.

    A file counts if its name or its content shows a model. If there is none, each file counts that does not change in
    every step. `pattern`: the glob that a user gave for the checkpoints; a folder is named by its own path.
    """
    moments = sorted({one.step for one in saved})
    of_models = [one for one in saved if held_by(one.whole) != VALUES]
    found = [_largest([one for one in of_models or _rare(saved) if one.step == step], saved) for step in moments]
    if pattern is not None:
        found = [_named(step, saved, pattern) for step in moments]
    kinds = _kinds(run)
    return [one.model_copy(update={"kinds": kinds(one.step)}) for one in found if one is not None]


def saved_by(run: Run, out: Path, directory: Path) -> Iterator[WrittenFile]:
    """Yield the files that had changed when a step began."""
    for event in run.trace.events_named("saved"):
        path, step, size = Path(event["path"]), int(event["step"]), int(event["size"])
        if path.is_relative_to(out):
            yield WrittenFile(step, "out", str(path.relative_to(out)), size, path)
        elif path.is_relative_to(directory) and not path.is_relative_to(out.parents[3]):
            yield WrittenFile(step, "work", str(path.relative_to(directory)), size, path)


def numbered_in(out: Path, steps: int) -> Iterator[WrittenFile]:
    """Yield the files of a finished run whose path has a number of a step: the largest that is below `steps`."""
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        place = str(path.relative_to(out))
        numbers = [number for number in map(int, re.findall(r"\d+", place)) if 0 < number < steps]
        if numbers:
            yield WrittenFile(max(numbers), "out", place, path.stat().st_size, path)


def _rare(saved: Sequence[WrittenFile]) -> list[WrittenFile]:
    """Return the files that are no logs: those that did not change in every step since they were made."""
    steps: dict[Path, list[int]] = {}
    for one in saved:
        steps.setdefault(one.whole, []).append(one.step)
    last = max((one.step for one in saved), default=0)
    return [one for one in saved if len(steps[one.whole]) < max(2, last - steps[one.whole][0])]


def _largest(files: Sequence[WrittenFile], saved: Sequence[WrittenFile]) -> Checkpoint | None:
    """Return the checkpoint with the largest of these files: its folder, if the folder was filled at this step."""
    if not files:
        return None
    best = max(files, key=lambda one: one.size)
    for folder in reversed(PurePath(best.path).parents[:-1]):
        inside = [one for one in saved if one.place == best.place and PurePath(one.path).is_relative_to(folder)]
        if {one.step for one in inside} == {best.step} and len(inside) > 1:
            size = sum(one.size for one in inside)
            return Checkpoint(step=best.step, path=str(folder), place=best.place, size=size)
    return Checkpoint(step=best.step, path=best.path, place=best.place, size=best.size)


def _named(step: int, saved: Sequence[WrittenFile], pattern: str) -> Checkpoint | None:
    for one in saved:
        for path in (PurePath(one.path), *PurePath(one.path).parents[:-1]) if one.step == step else ():
            if fnmatch(str(path), pattern):
                return Checkpoint(step=step, path=str(path), place=one.place, size=one.size)
    return None


def _kinds(run: Run) -> Callable[[int], list[str]]:
    """Return function(step) -> what is special about the moment after so many steps, as far as loaders show it."""
    epochs, trains = run.trace.events_named("epoch"), run.loader
    begins = {event["step"] for event in epochs if event["loader"] == trains}
    validates = {event["step"] for event in epochs if event["loader"] != trains}

    def kinds(step: int) -> list[str]:
        if trains is None:
            return []
        place = "boundary" if step in begins else "middle"
        return [place, "validation"] if step in validates else [place]

    return kinds


def chosen(known: Sequence[Checkpoint], steps: int, at: Sequence[int] | None, windows: int | None) -> list[Checkpoint]:
    """Return the checkpoints to resume from.

    `at`: their steps. `windows`: how many; those at the ends of epochs come first. Without both: one in the middle of
    an epoch and one at an epoch's boundary. Raises UsageError for a step without a checkpoint.
    """
    usable = [one for one in known if 0 < one.step < steps]
    if at:
        wrong = sorted(set(at) - {one.step for one in usable})
        if wrong and wrong[-1] >= steps:
            raise UsageError(f"--at {wrong[-1]}: the run has only {words.count(steps, 'step')}.", _advice(usable))
        if wrong:
            raise UsageError(f"--at {wrong[0]}: the run wrote no checkpoint after that step.", _advice(usable))
        return [one for one in usable if one.step in at]
    edges = [one for one in usable if "boundary" in one.kinds]
    inner = [one for one in usable if one not in edges]
    if windows:
        found = [*_spread(edges, windows), *_spread(inner, max(0, windows - len(edges)))]
    else:
        found = [*_spread(inner, 1 if edges or len(inner) < 2 or inner[0].kinds else 2), *_spread(edges, 1)]
    return sorted(found, key=lambda one: one.step)


def _spread(some: Sequence[Checkpoint], most: int) -> list[Checkpoint]:
    """Return at most so many of these, evenly spread."""
    if len(some) <= most:
        return list(some)
    return [some[(2 * place + 1) * len(some) // (2 * most)] for place in range(most)]


def _advice(usable: Sequence[Checkpoint]) -> str:
    steps = words.listed(one.step for one in usable)
    return f"the run wrote checkpoints after these steps: {steps}." if usable else "let the program save checkpoints."


def saved_words(saved: Sequence[WrittenFile]) -> str:
    """Return which files were saved during the steps, and when; for a run without a usable checkpoint."""
    found = [f"{one.path} after step {one.step}" for one in saved]
    return words.first_few(found, 5) if found else "samebits saw no file that changed between two steps"
