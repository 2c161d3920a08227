"""Looks ahead: beside the settings that the search asks for, it looks at those that the search will probably ask for.

It costs trials, never the answer. If there is room for one look only, it looks at nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from samebits.causes.candidates import by_specificity
from samebits.causes.decision_rule import GLIMPSE, SettingTrials, Wish

__all__ = ["chunks", "first_of", "halves", "prepare", "shares", "with_one_more"]


def shares(wanted: Sequence[tuple[int, int]], room: int) -> list[int]:
    """How many trials each of several looks gets. `wanted`: (trials it has, trials it is to have), the likeliest first.

    The first GLIMPSE trials of each come first, since they end most looks. The likeliest get what is left. If the first
    has its glimpse, it comes before all.
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
    """Look at these sets."""
    settings.prepare([Wish(names, trials) for names in sets])


def first_of(
    settings: SettingTrials,
    sets: Sequence[list[str]],
    trials: int,
    holds: Callable[[list[str]], bool],
    after: Callable[[list[str]], Sequence[list[str]]] = lambda names: [],
) -> list[str] | None:
    """The first of these sets for which the test holds. Later sets may be tried beside it.

    `trials`: that it takes. `after`: the sets that come after one for which it holds.
    """
    for place, names in enumerate(sets):
        prepare(settings, [*sets[place:], *after(names)], trials)
        if holds(names):
            return names
    return None


def with_one_more(kept: list[str], names: Sequence[str]) -> list[list[str]]:
    """What is kept, and one control more."""
    return [by_specificity([*kept, name]) for name in names if name not in kept]


def halves(kept: Sequence[str], names: Sequence[str]) -> list[list[str]]:
    """What is left of a set without each of its halves; what is kept stays in it."""
    pool = [name for name in names if name not in kept]
    left_out = chunks(pool, 2) if len(pool) > 1 else []
    return [[*(name for name in pool if name not in chunk), *kept] for chunk in reversed(left_out)]


def chunks(names: list[str], parts: int) -> list[list[str]]:
    """The names in so many parts of about the same size."""
    bounds = [len(names) * part // parts for part in range(parts + 1)]
    return [names[a:b] for a, b in pairwise(bounds)]
