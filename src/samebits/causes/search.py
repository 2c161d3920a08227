"""The search: from trials with nothing held to the smallest sets of controls with which they agree.

Nothing held, everything held, what the kind of the divergence suggests, then everything made smaller by halves (delta
debugging: Zeller and Hildebrandt, IEEE TSE 28, 2002), so that several causes are all found. A setting whose trials
diverge is done with after two or three of them; one that is accepted has as many as the rule asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from samebits import controls
from samebits.causes.decision_rule import NOWHERE, Observation, Rule, SettingTrials, Where, is_worth_more
from samebits.model import Kind

GLIMPSE = 2  # trials of everything held that tell which controls take effect
ALTERNATIVES = 3  # further sets that are looked for
SINGLES = 6  # suggested controls that are tried alone before the halving begins


@dataclass
class Finding:
    """What a search came to. `minimal`: the smallest sets that suffice, in the order in which they were found.

    `everything`: all controls that took effect together. `outside`: trials diverge with them held. `refused`: control
    -> why the program does not run with it; `idle`: control -> why it counts as not held.
    """

    rule: Rule
    everything: list[str] = field(default_factory=list)
    minimal: list[list[str]] = field(default_factory=list)
    outside: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    idle: dict[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> list[str]:
        """The most specific of the smallest sets; empty where there is none."""
        return most_specific(self.minimal)


def search(settings: SettingTrials, candidates: Sequence[str], first: Observation, kind: Kind) -> Finding:
    """Explain a divergence. `first`: what was seen with nothing held; `kind`: of its divergence."""
    return _Search(settings, candidates, first, kind).run()


class _Search:
    def __init__(self, settings: SettingTrials, candidates: Sequence[str], first: Observation, kind: Kind) -> None:
        self.settings, self.candidates, self.first, self.kind = settings, list(candidates), first, kind
        self.found = Finding(Rule(first.groups, max(1, len(candidates))))
        self.before = NOWHERE
        self.hints: list[str] = []

    def run(self) -> Finding:
        """The steps, in order."""
        everything = self._hold_everything()
        self.found.rule = Rule(self.first.groups, len(self.found.everything) + 1)
        while self.found.everything and not self.found.minimal:
            if everything.diverges(self.before):
                self.found.outside = True
                self.before = _of(everything)
            if self.before <= _of(self.first):
                break
            self._find_minimal()
            if not self.found.minimal:
                everything = self.settings.look(self.candidates, self.found.rule.full, self.before)
                if not everything.diverges(self.before):
                    break
        return self.found

    # -- nothing held, everything held ------------------------------------------------------------------------

    def _hold_everything(self) -> Observation:
        """All controls with which the program runs; which of them take effect is read from its trials."""
        seen = self.settings.look(self.candidates, GLIMPSE)
        if seen.broke:
            self.candidates, self.found.refused = compatible(self.candidates, self._why_broken)
            seen = self.settings.look(self.candidates, GLIMPSE)
        for name in self.candidates:
            if seen.is_in_force(name):
                self.found.everything.append(name)
            elif seen.is_undone(name):
                self.found.idle[name] = seen.controls[name].why
        hints = hinted(self.kind, self.found.everything)
        self.hints = sorted(hints, key=seen.is_overruled)  # those that the program overrules come last
        return seen

    def _why_broken(self, names: list[str]) -> str:
        return self.settings.look(names, 1).broke

    # -- smallest sets ----------------------------------------------------------------------------------------

    def _find_minimal(self) -> None:
        one = self._alone(self.hints[:SINGLES])
        first = [one] if one else self._shrink(self.found.everything)
        if first:
            self.found.minimal = [first]
            self._find_alternatives()

    def _alone(self, names: Sequence[str]) -> str | None:
        """The first of these that suffices alone."""
        return next((name for name in names if self._suffices([name], [])), None)

    def _agrees(self, names: Sequence[str], trials: int) -> bool:
        return bool(names) and self.settings.look(names, trials, self.before).agrees(trials, self.before)

    def _suffices(self, names: Sequence[str], without: Sequence[str]) -> bool:
        """Whether a set agrees as often as the rule asks for, given how trials split without one of its members.

        The split is looked at as long as that saves trials; with nothing held, at last in as many as those that agree.
        """
        split = self.settings.look(without, GLIMPSE)
        while True:
            split = self._split(without, split, self.settings.look(names, GLIMPSE, self.before).trials)
            rule = Rule(split.groups, self.found.rule.settings)
            if not without:
                self.found.rule = rule
            if not self._agrees(names, rule.full):
                return False
            if without or split.trials >= rule.needed:
                return True
            split = self.settings.look(without, split.trials + 1, through=True)

    def _split(self, names: Sequence[str], split: Observation, have: int) -> Observation:
        while is_worth_more(split.groups, self.found.rule.settings, have):
            split = self.settings.look(names, split.trials + 1, through=True)
        return split

    @property
    def _glance(self) -> int:
        return self.found.rule.glance

    def _shrink(self, pool: list[str], kept: Sequence[str] = ()) -> list[str] | None:
        """A set within the pool of which every member is necessary, or None where the pool does not suffice.

        `kept`: what is held in any case, and belongs to the set. What is left out is left out after a glance; where the
        set that is left does not stand the full number of trials, one glance was deceived, and all is looked at for
        longer.
        """
        trials = self._glance
        while self._agrees([*pool, *kept], trials):
            left = by_specificity([*self._reduced(pool, kept, trials), *kept])
            left = self._necessary(left) if self._suffices(left, []) else []
            if left:
                return left
            if trials >= self.found.rule.full:
                break
            trials = min(2 * trials, self.found.rule.full)
        return None

    def _reduced(self, pool: Sequence[str], kept: Sequence[str], trials: int) -> list[str]:
        """Leave out halves, then quarters, at last single controls, as long as the rest agrees; the broadest first."""
        names, parts = by_specificity(pool), 2
        while len(names) > 1:
            chunks = _chunks(names, min(parts, len(names)))
            rests = ([name for name in names if name not in chunk] for chunk in reversed(chunks))
            rest = next((rest for rest in rests if self._agrees([*rest, *kept], trials)), None)
            if rest is not None:
                names, parts = rest, max(2, parts - 1)
            elif parts >= len(names):
                break
            else:
                parts = 2 * parts
        return names

    def _necessary(self, names: list[str]) -> list[str]:
        """Leave out what is not needed, and put what a control implies in its place where that suffices.

        Each member that stays is tried by itself: with the others it agrees, the others alone part. Empty where the
        set does not stand that.
        """
        for name in names if len(names) > 1 else []:
            others = [other for other in names if other != name]
            if self._agrees(others, self.found.rule.full):
                return self._necessary(others)
            if not self._suffices(names, others):
                return []
        return next(filter(None, map(self._narrowed, [names] * len(names), names)), names)

    def _narrowed(self, names: list[str], name: str) -> list[str]:
        """With what a control implies in its place; empty where that does not suffice."""
        for implied in controls.resolve([name]):
            narrower = by_specificity([*(other for other in names if other != name), implied])
            if implied not in names and self._suffices(narrower, []):
                return self._necessary(narrower)
        return []

    # -- alternatives -----------------------------------------------------------------------------------------

    def _find_alternatives(self) -> None:
        """Other sets that are as small: what agrees with another control in the place of a member."""
        first = list(self.found.minimal[0])
        for name in first:
            kept = [other for other in first if other != name]
            rest = [other for other in _without(self.found.everything, name) if other not in kept]
            while len(self.found.minimal) <= ALTERNATIVES and self._agrees([*rest, *kept], self._glance):
                other = self._other(rest, kept)
                if other is None or not self._keep(other):
                    break
                rest = _without(rest, next(member for member in other if member not in kept))

    def _other(self, rest: list[str], kept: list[str]) -> list[str] | None:
        one = None if kept else self._alone([name for name in self.hints if name in rest])
        return [one] if one else self._shrink(rest, kept)

    def _keep(self, other: list[str]) -> bool:
        """Whether this set is as small as the smallest; a smaller one takes their place."""
        size = len(self.found.minimal[0])
        if len(other) < size:
            self.found.minimal = [other]
        elif len(other) == size and other not in self.found.minimal:
            self.found.minimal.append(other)
        return len(other) <= size


def _of(seen: Observation) -> Where:
    return seen.where if seen.where is not None else NOWHERE


def _chunks(names: list[str], parts: int) -> list[list[str]]:
    bounds = [len(names) * part // parts for part in range(parts + 1)]
    return [names[a:b] for a, b in pairwise(bounds)]


def _without(names: Sequence[str], left_out: str) -> list[str]:
    """Without a control and those that are never held without it."""
    return [name for name in names if left_out not in controls.resolve([name])]


# -- the order of candidates ----------------------------------------------------------------------------------------


def hinted(kind: Kind, names: Sequence[str]) -> list[str]:
    """Those of the controls that this kind of divergence suggests, the likeliest first."""
    places = {name: controls.describe(name).hints.get(kind) for name in by_specificity(names)}
    return sorted((name for name, place in places.items() if place), key=lambda name: places[name] or 0)


def by_specificity(names: Sequence[str]) -> list[str]:
    """What changes least of the program first."""
    return sorted(names, key=controls.specificity)


def most_specific(sets: Sequence[list[str]]) -> list[str]:
    """Of several sets of equal size, the one whose members come first in the written order."""
    return min(sets, key=lambda names: sorted(map(controls.specificity, names)), default=[])


# -- controls that a program cannot run with ------------------------------------------------------------------------


def compatible(names: Sequence[str], runs: Callable[[list[str]], str]) -> tuple[list[str], dict[str, str]]:
    """(those with which the program runs together, the others with the reason of each).

    `runs`: why the program does not run with these, "" where it does. Controls that change what a program sees of the
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
