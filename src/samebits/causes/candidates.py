"""Which controls are tried, and in which order: what the program runs with, and the likely ones first.

The order costs trials, never the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from samebits import controls
from samebits.model import Kind

REPLAYED = ("forward", "gradient")  # kinds of divergences whose likeliest cause is an operator


@dataclass(frozen=True)
class Clues:
    """What the trials with nothing held suggest.

    `kind`: of the divergence. `unseeded`: seeds of generators that were seen without one. `seeded`: seeds of generators
    that were seen with one state in all trials. `has_operator`: whether an operator gives different bits for the same
    inputs, None if that is not known; it may run a trial.
    """

    kind: Kind
    unseeded: Collection[str] = ()
    seeded: Collection[str] = ()
    has_operator: Callable[[], bool | None] = lambda: None

    def suspected(self, kind: Kind, names: Collection[str]) -> list[str]:
        """The seeds that are missing and may explain a divergence of this kind, the likeliest first."""
        return [] if kind == "gradient" else [name for name in hinted(kind, names) if name in self.unseeded]

    def ordered(self, kind: Kind, names: Collection[str]) -> list[str]:
        """Those of the controls that this kind of divergence suggests, the likeliest first."""
        no_operator = kind in REPLAYED and self.has_operator() is False
        suspected = self.suspected(kind, names)

        def is_unlikely(name: str) -> bool:
            return name in self.seeded or (no_operator and controls.describe(name).is_of_operators)

        return sorted(hinted(kind, names), key=lambda name: (name not in suspected, is_unlikely(name)))


def hinted(kind: Kind, names: Collection[str]) -> list[str]:
    """Those of the controls that a divergence of this kind suggests by itself, the likeliest first."""
    places = {name: controls.describe(name).hints.get(kind) for name in by_specificity(names)}
    return sorted((name for name, place in places.items() if place), key=lambda name: places[name] or 0)


def by_specificity(names: Collection[str]) -> list[str]:
    """What changes least of the program first."""
    return sorted(names, key=controls.specificity)


def most_specific(sets: Sequence[list[str]]) -> list[str]:
    """Among sets of equal size, the one whose members come first in the written order."""
    return min(sets, key=lambda names: sorted(map(controls.specificity, names)), default=[])


# -- controls that a program cannot run with ------------------------------------------------------------------------


def compatible(names: Sequence[str], runs: Callable[[list[str]], str]) -> tuple[list[str], dict[str, str]]:
    """(those with which the program runs together, the others with the reason of each).

    `runs`: why the program does not run with these, "" if it does. Controls that change what a program sees of the
    world, or that refuse operators, are added alone and last; the rest by halves.
    """
    selection = _Selection(runs)
    suspects = [name for name in names if controls.describe(name).may_break]
    selection.add([name for name in names if name not in suspects])
    for name in suspects:
        selection.add([name])
    return [name for name in names if name in selection.kept], selection.refused


class _Selection:
    def __init__(self, runs: Callable[[list[str]], str]) -> None:
        self._runs = runs
        self.kept: list[str] = []
        self.refused: dict[str, str] = {}

    def add(self, names: list[str]) -> None:
        """Keep what the program runs with, and halve what it does not run with."""
        if not names:
            return
        why = self._runs([*self.kept, *names])
        if not why:
            self.kept += names
        elif len(names) == 1:
            self.refused[names[0]] = why
        else:
            half = len(names) // 2
            self.add(names[:half])
            self.add(names[half:])
