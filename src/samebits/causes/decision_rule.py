"""The decision rule: a sequential test of whether the trials with a control agree by luck.

If a control changes nothing, the outcomes are spread as they are with nothing held. If the most frequent outcome
has the share q, n such trials agree with probability at most q^(n-1) (the sum of q_i^n over the outcomes). q is not
known: c of N trials with nothing held had the most frequent outcome, which gives it the density of
Beta(1 + c, 1 + N - c). So the chance is the mean of q^(n-1) over that density,

    B(1 + c + n - 1, 1 + N - c) / B(1 + c, 1 + N - c).

This is Wald's sequential probability ratio test against a mixture: a control that removes the variation agrees with
probability 1, one that does not with this chance, and the ratio of the two grows with each trial that agrees. The first
two trials that differ end the test: the control does not suffice. It ends the other way at the first n for which the
chance is below the setting's share of 1 %. The shares of all settings that may be tried add up to that 1 %; what the
trials themselves suggest (the seed of a generator that was seen without one) has half of it, since it is mostly right.

An observation is what the trials of one setting show, and who shows it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from samebits.model import HeldControl

Where = tuple[int, int, int]  # process, step, kind: in the order of judging
NOWHERE: Where = (1 << 62, 0, 0)


@dataclass(frozen=True)
class Observation:
    """A setting after some trials. `held`: all controls that were, implied ones too. `groups`: trials of each outcome.

    `where`: the first point at which two of its trials diverge, None if they agree. `broke`: why it cannot be run, ""
    if it can. `unclear`: why its trials give no answer. `controls`: what each control did, by its id. `excused`:
    controls of the check itself that had no effect there, and need none here.
    """

    held: frozenset[str]
    groups: tuple[int, ...] = ()
    where: Where | None = None
    broke: str = ""
    unclear: str = ""
    controls: Mapping[str, HeldControl] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()

    @property
    def trials(self) -> int:
        """How many trials it has."""
        return sum(self.groups)

    def diverges(self, before: Where = NOWHERE) -> bool:
        """Whether its trials diverge before a point."""
        return self.where is not None and self.where < before

    def agrees(self, trials: int, before: Where = NOWHERE) -> bool:
        """Whether that many trials agree up to a point, and no control that was to be held is undone."""
        runs = not self.broke and not self.unclear
        undone = any(self.is_undone(name) for name in self.held - self.excused)
        return runs and not undone and not self.diverges(before) and self.trials >= trials

    def is_in_force(self, name: str) -> bool:
        """Whether a control took effect, and something reads what it holds."""
        return name in self.controls and self.controls[name].effect in ("held", "overruled")

    def is_undone(self, name: str) -> bool:
        """Whether a control was to be held, and does not hold."""
        return name in self.controls and self.controls[name].effect == "undone"

    def is_overruled(self, name: str) -> bool:
        """Whether the program sets by itself what a control sets."""
        return name in self.controls and self.controls[name].effect == "overruled"


class Wish(NamedTuple):
    """A look that the search will probably ask for. `through`: also if trials diverge."""

    names: Sequence[str]
    trials: int
    through: bool = False


class SettingTrials(Protocol):
    """Runs trials of settings; those of a setting that was tried before are kept and added to. `room`: how many trials
    run at a time."""

    @property
    def room(self) -> int:
        """See above."""
        ...

    def look(
        self, controls: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False
    ) -> Observation:
        """Give a setting so many trials; fewer if two of them diverge before the point (`through`: also then), or if it
        cannot be run.
        """
        ...

    def prepare(self, wishes: Sequence[Wish]) -> None:
        """Run trials of several settings side by side, if there is room for more than one look and the first of them
        has too few trials. The first GLIMPSE trials of each come first."""
        ...


GLIMPSE = 2  # trials that tell most settings that diverge
CHANCE = 0.01  # with which some useless setting may be accepted, over a whole search
GLANCE = 0.1  # with which one useless setting may pass for the moment; the final set is tested in full
LEAST, MOST = 12, 300  # trials that must agree before a setting is accepted
FURTHER = 200  # trials by which the first look is made longer at most


def chance(largest: int, of: int, trials: int) -> float:
    """The chance that `trials` trials agree by luck; of `of` others, `largest` had the most frequent outcome."""
    return math.exp(_log_chance(largest, of, trials))


def _log_chance(largest: float, of: float, trials: int) -> float:
    a, b, more = 1 + largest, 1 + of - largest, trials - 1
    return math.lgamma(a + more) - math.lgamma(a) + math.lgamma(a + b) - math.lgamma(a + b + more)


@functools.cache
def needed(largest: float, of: float, below: float) -> int:
    """The least number of trials (from 2, at most MOST) whose agreeing by luck has a chance below `below`."""
    low, high = 2, MOST
    while low < high:
        middle = (low + high) // 2
        if _log_chance(largest, of, middle) < math.log(below):
            high = middle
        else:
            low = middle + 1
    return low


@functools.cache
def further(groups: tuple[int, ...], settings: int, have: int = 0, room: int = 1) -> int:
    """How many more trials of a setting that diverges pay for themselves: the split is known better, so fewer must
    agree.

    `groups`: how many trials had each outcome. `have`: trials that agree already. `room`: how many run at a time.
    """
    largest, of = max(groups), sum(groups)

    def all_in_all(trials: int) -> int:
        return trials + max(have, LEAST, needed(largest * trials / of, trials, CHANCE / settings))

    now = all_in_all(of)
    best = min(range(of + 1, min(of + FURTHER, now)), key=all_in_all, default=of)
    return min(room, best - of) if best > of and all_in_all(best) < now else 0


@dataclass(frozen=True)
class Rule:
    """What a split and a number of settings ask for. `groups`: how many trials had each outcome."""

    groups: tuple[int, ...]
    settings: int

    @property
    def needed(self) -> int:
        """Trials whose agreeing by luck is too unlikely."""
        return needed(max(self.groups), sum(self.groups), CHANCE / self.settings)

    @property
    def is_known(self) -> bool:
        """Whether the split is known well enough to rely on.

        Trials were only searched because they differed, which makes a rare difference look less rare than it is: then
        as many trials with nothing held as must agree tell its share.
        """
        return 2 * max(self.groups) <= sum(self.groups) or sum(self.groups) >= self.needed

    @property
    def full(self) -> int:
        """Trials that must agree before a setting is accepted. A further source, which the one that is pinned had
        hidden, may have a different split: LEAST notice one of 50:50 in all but 1 of 2,000 searches, 80:20 in 11 of 12.
        """
        return max(LEAST, self.needed)

    @property
    def glance(self) -> int:
        """Trials that must agree before the search goes on as if the setting sufficed; tested in full at the end."""
        return min(self.full, needed(max(self.groups), sum(self.groups), GLANCE))

    @property
    def chance(self) -> float:
        """The chance that any useless setting is accepted. It is above CHANCE only if MOST trials were not enough."""
        return min(1.0, self.settings * chance(max(self.groups), sum(self.groups), self.full))
