"""Decides which controls are tried, and in which order: those that the program can run with, the likely ones first.

A bad order costs trials, but never changes the answer. `Conclusion` is the result of a search.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from samebits import controls
from samebits.causes.decision_rule import GLIMPSE, Rule, SettingTrials, Wish
from samebits.model import Kind

__all__ = ["Conclusion", "chunks", "first_of", "halves", "prepare", "shares", "with_one_more"]

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
        """Return the missing seeds that may explain a divergence of this kind, the likeliest first."""
        return [] if kind == "gradient" else [name for name in hinted(kind, names) if name in self.unseeded]

    def ordered(self, kind: Kind, names: Collection[str]) -> list[str]:
        """Return the controls among `names` that this kind of divergence suggests, the likeliest first."""
        no_operator = kind in REPLAYED and self.has_operator() is False
        suspected = self.suspected(kind, names)

        def is_unlikely(name: str) -> bool:
            return name in self.seeded or (no_operator and controls.describe(name).is_of_operators)

        return sorted(hinted(kind, names), key=lambda name: (name not in suspected, is_unlikely(name)))


def hinted(kind: Kind, names: Collection[str]) -> list[str]:
    """Return the controls among `names` whose own hints fit this kind of divergence, the likeliest first."""
    places = {name: controls.describe(name).hints.get(kind) for name in by_specificity(names)}
    return sorted((name for name, place in places.items() if place), key=lambda name: places[name] or 0)


def by_specificity(names: Collection[str]) -> list[str]:
    """Sort the controls: those that change least in the program come first."""
    return sorted(names, key=controls.specificity)


def most_specific(sets: Sequence[list[str]]) -> list[str]:
    """Return, among sets of equal size, the one with the most specific members."""
    return min(sets, key=lambda names: sorted(map(controls.specificity, names)), default=[])


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


# -- trials of settings that the search will probably look at next, beside those that it looks at now -----------------
# A wrong guess costs trials, but never changes the answer. If too few trials run at a time, nothing runs ahead.


def shares(wanted: Sequence[tuple[int, int]], room: int) -> list[int]:
    """Return how many more trials each of several settings gets.

    `wanted`: (the trials it has, the trials it should have) of each setting, the likeliest first. `room`: how many
    trials run at a time. The first GLIMPSE trials of each setting come first, because they are enough to reject most
    settings. The likeliest settings get the remaining places. If the first setting already has GLIMPSE trials, it gets
    all of its trials first.
    """
    more = [0] * len(wanted)
    asked = [needs if place == 0 and has >= GLIMPSE else 0 for place, (has, needs) in enumerate(wanted)]
    for most in (asked, [min(GLIMPSE, needs) for _, needs in wanted], [needs for _, needs in wanted]):
        for place, (has, needs) in enumerate(wanted):
            lacks = max(0, most[place] - has - more[place])
            given = min(lacks, room) if most[place] == needs else lacks * (lacks <= room)
            more[place] += given
            room -= given
    return more


def prepare(settings: SettingTrials, sets: Sequence[Sequence[str]], trials: int) -> None:
    """Run trials of these sets ahead."""
    settings.prepare([Wish(names, trials) for names in sets])


def first_of(
    settings: SettingTrials,
    sets: Sequence[list[str]],
    trials: int,
    holds: Callable[[list[str]], bool],
    after: Callable[[list[str]], Sequence[list[str]]] = lambda names: [],
) -> list[str] | None:
    """Return the first of these sets that passes the test `holds`; None if none does. Later sets may run beside it.

    `trials`: the number of trials that the test takes. `after`: returns the sets that come next if a set passes.
    """
    for place, names in enumerate(sets):
        prepare(settings, [*sets[place:], *after(names)], trials)
        if holds(names):
            return names
    return None


def with_one_more(kept: list[str], names: Sequence[str]) -> list[list[str]]:
    """Return the sets that add one more control to those that are kept."""
    return [by_specificity([*kept, name]) for name in names if name not in kept]


def halves(kept: Sequence[str], names: Sequence[str]) -> list[list[str]]:
    """Return two sets: the names without one half of them, and without the other half. Kept controls stay in both."""
    pool = [name for name in names if name not in kept]
    left_out = chunks(pool, 2) if len(pool) > 1 else []
    return [[*(name for name in pool if name not in chunk), *kept] for chunk in reversed(left_out)]


def chunks(names: list[str], parts: int) -> list[list[str]]:
    """Split the names into so many parts of about the same size."""
    bounds = [len(names) * part // parts for part in range(parts + 1)]
    return [names[a:b] for a, b in pairwise(bounds)]
