"""Decides which controls are tried, and in which order: those that the program can run with, the likely ones first.

A bad order costs trials, but never changes the answer. `Conclusion` is the result of a search.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import cast

from samebits import controls, words
from samebits.causes.decision_rule import Rule, Where
from samebits.model import Kind
from samebits_probe import wire

REPLAYED = ("forward", "gradient")  # the kinds of divergence whose likeliest cause is an operator


@dataclass(frozen=True)
class Clues:
    """The clues that the trials with nothing held give.

    `kind`: the kind of the divergence. `unseeded`: the seed controls of generators that ran without a seed. `seeded`:
    the seed controls of generators that had the same state in all trials. `has_operator`: returns whether an operator
    gives different bits for the same inputs, None if that is not known; it may run a trial.
    """

    kind: Kind
    unseeded: Collection[str] = ()
    seeded: Collection[str] = ()
    has_operator: Callable[[], bool | None] = lambda: None

    def suspected(self, kind: Kind, names: Collection[str]) -> list[str]:
        """Return the missing seeds that may explain a divergence of this kind, the likeliest first.

        If initial weights differ although no generator seems to lack a seed, the likeliest generator may have got its
        seed after it drew them. For example, a Trainer of Transformers seeds when it is made, after the model.
        """
        likely = [] if kind == "gradient" else hinted(kind, names)
        missing = [name for name in likely if name in self.unseeded]
        late = [name for name in likely if name in self.seeded] if kind == "start" else []
        return missing or late[:1]

    def ordered(self, kind: Kind, names: Collection[str]) -> list[str]:
        """Return the controls among `names` that this kind of divergence suggests, the likeliest first."""
        no_operator = kind in REPLAYED and self.has_operator() is False
        suspected = self.suspected(kind, names)

        def is_unlikely(name: str) -> bool:
            return name in self.seeded or (no_operator and controls.describe(name).is_of_operators)

        return sorted(hinted(kind, names), key=lambda name: (name not in suspected, is_unlikely(name)))


@dataclass(frozen=True)
class SearchOptions:
    """`alternatives`: also look for sets that nobody would choose. `told`: gets a message for each likely set.

    `extend`: gets a set that is probably the cause, and the number of trials that must agree. It may try the set over
    more steps. Then these trials run only once, with the larger number of steps. `shorten`: ends that; later settings
    make as few steps as before.
    """

    alternatives: bool = False
    told: Callable[[str], None] = lambda text: None
    extend: Callable[[Sequence[str], int], None] = lambda names, trials: None
    shorten: Callable[[], None] = lambda: None


def hinted(kind: Kind, names: Collection[str]) -> list[str]:
    """Return the controls among `names` whose own hints fit this kind of divergence, the likeliest first."""
    places = {name: controls.describe(name).hints.get(kind) for name in by_specificity(names)}
    return sorted((name for name, place in places.items() if place), key=lambda name: places[name] or 0)


def kind_of(where: Where) -> Kind:
    """Return the kind of the divergence at a place."""
    return cast(Kind, wire.KINDS[where[2]])


def by_specificity(names: Collection[str]) -> list[str]:
    """Sort the controls: those that change least in the program come first."""
    return sorted(names, key=controls.specificity)


def most_specific(sets: Sequence[list[str]]) -> list[str]:
    """Return, among sets of equal size, the one with the most specific members."""
    return min(sets, key=lambda names: sorted(map(controls.specificity, names)), default=[])


def without(names: Sequence[str], left_out: str) -> list[str]:
    """Return the names without a control, and without the controls that imply or need it."""
    return [name for name in names if left_out not in controls.resolve([name])]


def held_words(held: Collection[str], everything: Sequence[str]) -> str:
    """Describe controls in a few words: by their names, or by the names that are missing from everything."""
    names = [name for name in everything if name in held] or sorted(held)
    return f"{words.some_of(names, [name for name in everything if name not in held]) or 'nothing'} held"


# -- controls that a program cannot run with ------------------------------------------------------------------------


def compatible(names: Sequence[str], runs: Callable[[list[str]], str]) -> tuple[list[str], dict[str, str]]:
    """Return (the controls that the program runs with if all are held, {refused control: the reason}).

    `runs`: returns why the program does not run with these controls, "" if it does. Controls that may break a program
    are added last, one by one; the rest is added by halves.
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
        """Keep these controls if the program runs with them; if it does not, try each half of them."""
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


@dataclass
class Conclusion:
    """The result of a search. `minimal`: the smallest sets that suffice, in the order in which they were found.

    `everything`: all controls that took effect when all were held. `outside`: trials diverge even with all of them
    held. `refused`: control -> why the program does not run with it. `idle`: control -> why it counts as not held.
    `is_partial`: some alternatives were not tried.
    """

    rule: Rule
    everything: list[str] = field(default_factory=list)
    minimal: list[list[str]] = field(default_factory=list)
    outside: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    idle: dict[str, str] = field(default_factory=dict)
    is_partial: bool = False

    @property
    def cause(self) -> list[str]:
        """The most specific of the smallest sets; empty if there is none."""
        return most_specific(self.minimal)

    def covered_by(self, name: str) -> list[str]:
        """Return the controls that took effect, and whose sources this control pins, too."""
        return [other for other in self.everything if other in controls.describe(name).covers]
