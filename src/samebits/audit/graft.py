"""Finds what a checkpoint forgot by experiment: parts of the uninterrupted run are put into the resumed one.

Both runs repeat, so one resumed run for each set of parts is enough. The search divides the parts into halves
(QuickXplain: Junker, AAAI 2004). It needs about 2 k log(n / k) runs for k necessary parts of n.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from samebits import words
from samebits.audit.alignment import Run
from samebits.audit.result import POSITION, Graft

__all__ = ["LATE", "Search", "request", "samples_from", "smallest"]

LATE = "The parts were put in after the first batch was made, so they may be more than the checkpoint forgot."


def smallest(parts: Sequence[str], suffices: Callable[[Sequence[str]], bool], kept: Sequence[str] = ()) -> list[str]:
    """Return a smallest set of these parts that suffices together with the kept ones, if all of them do."""
    if suffices(kept):
        return []
    if len(parts) == 1:
        return list(parts)
    first, second = parts[: len(parts) // 2], parts[len(parts) // 2 :]
    later = smallest(second, suffices, [*kept, *first])
    return [*smallest(first, suffices, [*kept, *later]), *later]


class Search:
    """Looks for the smallest set of parts that makes both runs equal.

    `equals`: function(parts) -> whether a run that is resumed with them equals the uninterrupted one; None if no time
    is left. `unable`: parts that differ, and cannot be put in.
    """

    def __init__(self, equals: Callable[[Sequence[str]], bool | None], unable: Sequence[str]) -> None:
        self._equals, self._unable = equals, list(unable)
        self._known: dict[frozenset[str], bool | None] = {frozenset(): False}

    def graft(self, likely: Sequence[str], others: Sequence[str]) -> Graft:
        """Return what the search finds. `likely`: the parts that the signs name; they are tried alone first."""
        every = [*likely, *others]
        parts = likely if self._suffices(likely) else every
        found = smallest(parts, self._suffices) if self._suffices(parts) else []
        is_cut = None in self._known.values()
        return Graft(
            parts=found,
            tried=every,
            unable=self._unable,
            runs=sum(one is not None for one in self._known.values()) - 1,
            is_smallest=bool(found) and not is_cut,
            sentence=_sentence(found, every, self._unable, is_cut=is_cut),
        )

    def _suffices(self, parts: Sequence[str]) -> bool:
        key = frozenset(parts)
        if key not in self._known:
            self._known[key] = self._equals(parts)
        return bool(self._known[key])


def _sentence(found: Sequence[str], every: Sequence[str], unable: Sequence[str], *, is_cut: bool) -> str:
    """Return what an experiment has shown, and what is only inferred."""
    cannot = f" samebits cannot put in {words.listed(unable)}, so this is only inferred." if unable else ""
    if not every:
        return f"Nothing was put in.{cannot}"
    if not found and is_cut:
        return f"The time of --budget was used up: nothing was put in, and all causes are inferred.{cannot}"
    if not found:
        what = f"With {words.listed(every)} from the uninterrupted run, the resumed run still differs"
        return f"{what}: the cause is only inferred.{cannot}"
    left = [part for part in every if part not in found]
    least = "The time of --budget was used up before a smaller set was tried." if is_cut else "It needs all of them."
    least = "" if len(found) == 1 else f" {least}"
    idle = f" Other parts differ, but these steps do not need them: {words.listed(left)}." if left else ""
    return f"With {words.listed(found)} from the uninterrupted run, the resumed run equals it.{least}{idle}{cannot}"


def samples_from(run: Run, step: int) -> list[list[Any]]:
    """Return the samples that the training took from a step on: epochs of batches. Empty if they are not known."""
    epochs: list[list[Any]] = [[]]
    for event in run.trace.events if run.loader else ():
        if event.get("loader") != run.loader:
            continue
        if event["event"] == "epoch":
            epochs.append([])
        elif event["step"] >= step + run.base:
            epochs[-1].append(event["samples"])
    found = [epoch for epoch in epochs if epoch]
    is_known = all(isinstance(sample, int) for epoch in found for batch in epoch for sample in batch)
    return found if is_known else []


def request(
    values: Path, names: Mapping[str, Sequence[str]], parts: Sequence[str], epochs: list[Any]
) -> dict[str, Any]:
    """Return what the probe puts into a run: the values of these parts, and the samples of these epochs."""
    given = epochs if POSITION in parts else []
    return {"values": str(values), "names": [name for part in parts for name in names[part]], "epochs": given}
