"""The decision rule: a sequential test of whether the trials with a control agree only by luck.

If a control changes nothing, its outcomes have the same distribution as with nothing held. Let q be the share of the
most frequent outcome. Then n trials agree with a probability of at most q^(n-1). (The exact probability is the sum of
q_i^n over the outcomes.) q is not known. But c of N trials with nothing held had the most frequent outcome, so q has
the density Beta(1 + c, 1 + N - c). The chance is the mean of q^(n-1) over that density,

    B(1 + c + n - 1, 1 + N - c) / B(1 + c, 1 + N - c).

If all N trials differ, there is a bound that holds for each q. They differ with a probability of at most
(1-q)^N + N q (1-q)^(N-1), because at most one of them had the most frequent outcome. So the chance that they differ and
that n trials agree is at most the maximum, over all q, of this term times q^n.

This is Wald's sequential probability ratio test against a mixture. With a control that removes the variation, trials
agree with probability 1; with a control that does not, they agree with this chance. The ratio of the two grows with
each trial that agrees. If two trials differ, the test ends at once: the control does not suffice. If the chance falls
below the setting's share of 1 %, the test accepts the control. The shares of all settings that may be tried add up to 1
%. Settings that the trials themselves suggest (seeds of generators that ran without one) get half of it, because they
are mostly right.

The search sees the trials of a setting only as an `Observation`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from samebits import words
from samebits.model import HeldControl

Where = tuple[int, int, int]  # process, step, kind: in the order of judging
NOWHERE: Where = (1 << 62, 0, 0)


@dataclass(frozen=True)
class Observation:
    """A setting after some trials. `held`: all controls held, implied ones too. `groups`: the trials of each outcome.

    `where`: the first point at which two of its trials diverge; None if they agree. `broke`: why the program does not
    run with it; "" if it does. `unclear`: why its trials give no answer. `controls`: the effect of each control, by its
    id. `excused`: controls of the check that did not hold in the check, and need not hold here.
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
        """The number of trials of the setting."""
        return sum(self.groups)

    @property
    def place(self) -> Where:
        """The first point at which two of its trials diverge. If they agree: NOWHERE, which is after all others."""
        return NOWHERE if self.where is None else self.where

    @property
    def words(self) -> str:
        """What the trials show, in a few words."""
        if self.broke:
            return f"the program does not run with this: {self.broke}"
        if self.unclear:
            return f"no answer: {self.unclear}"
        outcomes = "the same bits" if len(self.groups) == 1 else f"{len(self.groups)} different outcomes"
        return f"{words.count(self.trials, 'trial')}, {outcomes}"

    def diverges(self, before: Where = NOWHERE) -> bool:
        """Return whether its trials diverge before a point."""
        return self.where is not None and self.where < before

    def agrees(self, trials: int, before: Where = NOWHERE) -> bool:
        """Return whether at least that many trials agree up to a point, and every control that should hold does."""
        runs = not self.broke and not self.unclear
        undone = any(self.is_undone(name) for name in self.held - self.excused)
        return runs and not undone and not self.diverges(before) and self.trials >= trials

    def is_in_force(self, name: str) -> bool:
        """Return whether a control counts as in force: it holds, and something reads its value or overrules it."""
        return name in self.controls and self.controls[name].effect in ("held", "overruled")

    def is_undone(self, name: str) -> bool:
        """Return whether a control should hold, but does not."""
        return name in self.controls and self.controls[name].effect == "undone"

    def is_overruled(self, name: str) -> bool:
        """Return whether the program's own value replaces that of a control."""
        return name in self.controls and self.controls[name].effect == "overruled"


class Wish(NamedTuple):
    """A setting that the search will probably look at. `through`: run all trials, even if some of them diverge."""

    names: Sequence[str]
    trials: int
    through: bool = False


class SettingTrials(Protocol):
    """Runs trials of settings. A setting keeps its trials: if it is tried again, more are added."""

    @property
    def room(self) -> int:
        """How many trials run, or start, at a time."""
        ...

    def look(
        self, controls: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False
    ) -> Observation:
        """Run trials of a setting until it has `trials`.

        It gets fewer if two of them diverge before the point (unless `through`), or if the program does not run.
        """
        ...

    def prepare(self, wishes: Sequence[Wish]) -> None:
        """Run trials of several settings side by side, the first GLIMPSE trials of each first.

        Does nothing if too few trials run at a time, or if the first setting already has its trials.
        """
        ...


GLIMPSE = 2  # trials that are enough to find most settings that diverge
CHANCE = 0.01  # the chance that a whole search accepts any useless setting
GLANCE = 0.1  # the chance that one useless setting passes for the moment; the final set is tested in full
LEAST, MOST = 8, 300  # the least and the most trials that must agree before a setting is accepted
FURTHER = 200  # the most trials by which the first look is extended


def chance(largest: int, of: int, trials: int) -> float:
    """Return the chance that `trials` trials agree by luck: see the head of this module.

    Of `of` trials with nothing held, `largest` had the most frequent outcome.
    """
    return math.exp(_log_chance(largest, of, trials))


def _log_chance(largest: float, of: float, trials: int) -> float:
    if largest == 1:
        return _log_maximum(of, trials)
    a, b, more = 1 + largest, 1 + of - largest, trials - 1
    return math.lgamma(a + more) - math.lgamma(a) + math.lgamma(a + b) - math.lgamma(a + b + more)


def _log_maximum(of: float, trials: int) -> float:
    """Return the logarithm of the maximum over q of q^n (1-q)^m (1 + m q), where m + 1 trials differ and n agree."""
    n, m = trials, of - 1
    q = (n * (m - 1) + math.sqrt((n * (m - 1)) ** 2 + 4 * n * m * (n + m + 1))) / (2 * m * (n + m + 1))
    return n * math.log(q) + m * math.log(1 - q) + math.log(1 + m * q)


@functools.cache
def needed(largest: float, of: float, below: float) -> int:
    """Return the least number of trials (2 to MOST) that agree by luck with a chance below `below`."""
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
    """Return how many more trials of a setting that diverges pay off: with a better-known split, fewer must agree.

    `groups`: the number of trials of each outcome. `have`: trials that agree already. `room`: trials that run at a
    time. If all trials differ, the function expects that further ones differ, too.
    """
    of, total = sum(groups), functools.partial(all_in_all, groups, settings, have)
    return min(room, min(range(of, min(of + FURTHER, total(of))), key=total) - of)


def all_in_all(groups: tuple[int, ...], settings: int, have: int, trials: int) -> int:
    """Return how many trials accept a setting if so many run with nothing held, these included. See `further`."""
    largest, of = max(groups), sum(groups)
    expected = 1 if largest == 1 else largest * trials / of
    return trials + max(have, LEAST, needed(expected, trials, CHANCE / settings))


@dataclass(frozen=True)
class Rule:
    """The numbers of trials that the rule requires. `groups`: the number of trials of each outcome, the *split*.

    `settings`: the number of settings that share the 1 %.
    """

    groups: tuple[int, ...]
    settings: int

    @property
    def needed(self) -> int:
        """The least number of trials that are too unlikely to agree by luck."""
        return needed(max(self.groups), sum(self.groups), CHANCE / self.settings)

    @property
    def has_many_outcomes(self) -> bool:
        """Whether at most half of the trials have the same outcome. Then two trials seldom agree by chance."""
        return 2 * max(self.groups) <= sum(self.groups)

    @property
    def is_known(self) -> bool:
        """Whether the split is known well enough to rely on.

        The search began only because trials differed. So a rare difference looks less rare than it is. Its share is
        known well enough if as many trials with nothing held have run as must agree with a control.
        """
        return self.has_many_outcomes or sum(self.groups) >= self.needed

    @property
    def full(self) -> int:
        """The number of trials that must agree before a setting is accepted: LEAST or more.

        A second source, which the pinned one had hidden, may have a different split. If that is 50:50, LEAST trials
        miss it in 1 of 128 searches, which is less than CHANCE. If it is 80:20, they miss it in 1 of 6.
        """
        return max(LEAST, self.needed)

    @property
    def glance(self) -> int:
        """The number of trials that must agree before the search goes on. The final set is tested in full."""
        return min(self.full, needed(max(self.groups), sum(self.groups), GLANCE))

    @property
    def chance(self) -> float:
        """The chance that any useless setting is accepted. It is above CHANCE only if MOST trials are not enough."""
        return min(1.0, self.settings * chance(max(self.groups), sum(self.groups), self.full))
