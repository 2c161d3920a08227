"""Runs trials of settings that the search will probably look at next, beside those that it looks at now.

A wrong guess costs trials, but never changes the answer. If too few trials run at a time, nothing runs ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from samebits.causes.candidates import by_specificity
from samebits.causes.decision_rule import GLIMPSE, SettingTrials, Wish


def shares(wanted: Sequence[tuple[int, int]], room: int) -> list[int]:
    """Return how many more trials each of several settings gets.

    `wanted`: (the trials it has, the trials it should have) of each setting, the likeliest first. `room`: how many
    trials run at a time. The first GLIMPSE trials of each setting come first, because they are enough to reject most
    settings. The likeliest settings get the remaining places. If the first setting already has GLIMPSE trials, it gets
    all of its trials first.
    """
    more = [0] * len(wanted)
    likeliest = [needs if place == 0 and has >= GLIMPSE else 0 for place, (has, needs) in enumerate(wanted)]
    for most in (likeliest, [min(GLIMPSE, needs) for _, needs in wanted], [needs for _, needs in wanted]):
        for place, (has, needs) in enumerate(wanted):
            lacks = max(0, most[place] - has - more[place])
            extra = min(lacks, room) if most[place] == needs else lacks * (lacks <= room)
            more[place] += extra
            room -= extra
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
