"""Searches for the smallest sets of controls with which the trials agree.

It tries in this order: nothing held; the missing seeds; everything held; the controls that the kind of the divergence
suggests, one after the other, as long as each moves the first difference to a later point. If these are not enough, it
reduces everything by halves (delta debugging: Zeller and Hildebrandt, IEEE TSE 28, 2002). So it finds all causes if
there are several. Two or three trials are enough to reject a setting whose trials diverge. An accepted setting has as
many trials as the rule asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from samebits import controls, words
from samebits.causes.candidates import (
    Clues,
    Conclusion,
    SearchOptions,
    by_specificity,
    compatible,
    hinted,
    kind_of,
    without,
)
from samebits.causes.decision_rule import GLIMPSE, NOWHERE, Observation, Rule, SettingTrials, Where, Wish, further
from samebits.causes.lookahead import chunks, first_of, halves, prepare, with_one_more
from samebits.model import Kind

ALTERNATIVES = 3  # the most further sets that are kept
SINGLES = 11  # suggested controls that are tried before the halving begins; halving takes about as many trials
SUSPECTS = 3  # missing seeds that are tried before anything else


def search(
    settings: SettingTrials,
    candidates: Sequence[str],
    first: Observation,
    clues: Clues,
    options: SearchOptions | None = None,
) -> Conclusion:
    """Explain a divergence. `first`: the trials with nothing held."""
    return _Search(settings, candidates, first, clues, options or SearchOptions()).run()


class _Search:
    def __init__(
        self,
        settings: SettingTrials,
        candidates: Sequence[str],
        first: Observation,
        clues: Clues,
        options: SearchOptions,
    ) -> None:
        self.settings, self.candidates, self.first = settings, list(candidates), first
        self.clues, self.options = clues, options
        self.found = Conclusion(Rule(first.groups, max(1, len(candidates))))
        self.before = NOWHERE

    def run(self) -> Conclusion:
        """Run the steps of the search, in order."""
        suspects = self.clues.suspected(self.clues.kind, self.candidates)[:SUSPECTS]
        self._prepare_first(suspects)
        if suspects:
            self._try_suspects(suspects)
        if not self.found.minimal:
            everything = self._hold_everything()
            shares = 2 if suspects else 1  # the suspects have half of the chance
            self.found.rule = Rule(self.first.groups, shares * (len(self.found.everything) + 1))
            self._search_everything(everything)
        if self.found.minimal:
            self._find_alternatives()
        return self.found

    def _prepare_first(self, suspects: Sequence[str]) -> None:
        """Run ahead the first settings, which are independent: the suspects, everything, the likely controls."""
        likely = hinted(self.clues.kind, self.candidates)[:SINGLES]
        sets = [*([name] for name in suspects), self.candidates, *([name] for name in likely if name not in suspects)]
        prepare(self.settings, sets, self.found.rule.full)

    def _try_suspects(self, suspects: Sequence[str]) -> None:
        """Try the missing seeds before anything else."""
        number = len(suspects)
        self.found.rule = Rule(self.first.groups, number * (number + 1))  # half of the chance, for so many sets at most
        grown = self._grown(lambda kind: [*suspects])
        minimal = self._necessary(grown) if self._agrees(grown, self.found.rule.full) else []
        self.found.minimal = [minimal] if minimal else []

    def _search_everything(self, everything: Observation) -> None:
        while self.found.everything and not self.found.minimal:
            if everything.diverges(self.before):
                self.found.outside = True
                self.before = everything.place
            if self.before <= self.first.place:
                break
            self._find_minimal(everything)
            if not self.found.minimal:
                everything = self.settings.look(self.candidates, self.found.rule.full, self.before)
                if not everything.diverges(self.before):
                    break

    # -- nothing held, everything held ------------------------------------------------------------------------

    def _hold_everything(self) -> Observation:
        """Hold all controls that the program runs with, and learn from its trials which of them take effect."""
        outcome = self.settings.look(self.candidates, GLIMPSE)
        if outcome.broke:
            fitting = compatible(self.candidates, lambda names: self.settings.look(names, 1).broke)
            self.candidates, self.found.refused = fitting
            outcome = self.settings.look(self.candidates, GLIMPSE)
        for name in self.candidates:
            if outcome.is_in_force(name):
                self.found.everything.append(name)
            elif outcome.is_undone(name):
                self.found.idle[name] = outcome.controls[name].why
        return outcome

    # -- what is likely ---------------------------------------------------------------------------------------

    def _grown(self, order: Callable[[Kind], list[str]]) -> list[str]:
        """Return a set of likely controls, each of which moves the first difference to a later point.

        `order`: returns the controls to try for a kind of divergence, in order. The set grows until it is enough, or
        until no control moves the first difference any further.
        """
        kept: list[str] = []
        at = self.first.place
        while at < self.before:
            name = self._further(kept, at, order)
            if name is None:
                break
            kept = by_specificity([*kept, name])
            at = self.settings.look(kept, GLIMPSE, self.before).place
        return kept

    def _further(self, kept: list[str], at: Where, order: Callable[[Kind], list[str]]) -> str | None:
        """Return the first control that, added to the kept ones, makes the trials agree beyond a point."""
        beyond = (at[0], at[1], at[2] + 1)
        sets = with_one_more(kept, order(self.clues.kind if not kept else kind_of(at)))

        def moves_it(held: list[str]) -> bool:
            if self._is_likely(held):
                return True
            self._prepare_further(held, beyond, order)
            return self._agrees(held, self._glance, beyond)

        extended = first_of(self.settings, sets, self.found.rule.full, moves_it)
        return next((name for name in extended if name not in kept), None) if extended else None

    def _prepare_further(self, held: list[str], beyond: Where, order: Callable[[Kind], list[str]]) -> None:
        """If a set seems to move the first difference, run it together with the sets that would come next."""
        outcome = self.settings.look(held, 0)
        if self.settings.room > GLIMPSE and outcome.where is not None and not outcome.diverges(beyond):
            after = [Wish(names, self.found.rule.full) for names in with_one_more(held, order(kind_of(outcome.where)))]
            self.settings.prepare([Wish(held, self._glance, through=True), *after])

    def _is_likely(self, names: Sequence[str]) -> bool:
        """Return whether a set agrees in its first few trials, and then in all, perhaps over more steps."""
        if not self._agrees(names, GLIMPSE):
            return False
        trials = self.settings.look(names, 0).trials
        agree = f"({trials} of {trials} trials agree)"
        self.options.told(f"likely: {words.listed(names)} {agree}; samebits runs more to confirm it")
        # if there are few outcomes, a useless set often agrees in a few trials
        if self.before == NOWHERE and Rule(self.first.groups, 1).has_many_outcomes:
            self.options.extend(names, self.found.rule.full)
        return self._agrees(names, GLIMPSE) and self._suffices(names, [])

    # -- smallest sets ----------------------------------------------------------------------------------------

    def _find_minimal(self, everything: Observation) -> None:
        """Find a set in which every member is needed: among the likely controls, else among all that take effect."""

        def order(kind: Kind) -> list[str]:
            names = self.clues.ordered(kind, self.found.everything)
            return sorted(names, key=everything.is_overruled)[:SINGLES]  # controls that the program overrules come last

        grown = self._grown(order)
        if self._agrees(grown, self.found.rule.full):
            minimal = self._necessary(grown)
        else:
            minimal = self._shrink([name for name in self.found.everything if name not in grown], grown)
        self.found.minimal = [self._with_seeds(minimal)] if minimal else []

    def _with_seeds(self, names: list[str]) -> list[str]:
        """Return the set with seeds instead of a member that covers these seeds, if the trials then agree, too."""
        for name in names:
            kept = without(names, name)
            seeds = [other for other in self.found.covered_by(name) if other not in kept]
            subset = self._shrink(seeds, kept) if seeds else []
            if subset:
                return subset
        return names

    def _agrees(self, names: Sequence[str], trials: int, beyond: Where = NOWHERE) -> bool:
        """Return whether so many trials of a set agree, and the program uses each control of the set."""
        before = min(beyond, self.before)
        outcome = self.settings.look(names, trials, before) if names else None
        return outcome is not None and outcome.agrees(trials, before) and all(map(outcome.is_in_force, names))

    def _suffices(self, names: Sequence[str], without: Sequence[str]) -> bool:
        """Return whether a set agrees in as many trials as the rule requires.

        `without`: the smaller set whose trials give the split. The split gets more trials as long as that saves trials.
        If nothing is held for the split, it gets more trials until the rule counts it as known. If the program does not
        run with the smaller set, nothing is held for the split.
        """
        split = self.settings.look(without, GLIMPSE)
        if without and (split.broke or split.unclear):
            return self._suffices(names, [])
        while True:
            split = self._split(without, split, names)
            rule = Rule(split.groups, self.found.rule.settings)
            if not without:
                self.found.rule = rule
            if not self._agrees(names, rule.full):
                return False
            if without or rule.is_known:
                return True
            more = max(1, min(self.settings.room, rule.needed - split.trials))
            split = self.settings.look(without, split.trials + more, through=True)

    def _split(self, without: Sequence[str], split: Observation, names: Sequence[str]) -> Observation:
        """Run more trials for the split as long as they save trials of the tested settings. Return the split."""
        while True:
            have, settings = self.settings.look(names, GLIMPSE, self.before).trials, self.found.rule.settings
            more = further(split.groups, settings, have, self.settings.room)
            if not more:
                return split
            wanted, full = split.trials + more, Rule(split.groups, settings).full
            self.settings.prepare([Wish(without, wanted, through=True), Wish(names, full)])
            split = self.settings.look(without, wanted, through=True)

    @property
    def _glance(self) -> int:
        return self.found.rule.glance

    def _shrink(self, pool: list[str], kept: Sequence[str]) -> list[str]:
        """Return a subset of the pool in which every member is necessary; empty if the pool does not suffice.

        `kept`: controls that are held in any case, and belong to the set. Members are left out after few trials. If the
        remaining set then fails the full test, the few trials were misleading. So the reduction runs again, with more
        trials for every set.
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
        return []

    def _reduced(self, pool: Sequence[str], kept: Sequence[str], trials: int) -> list[str]:
        """Leave out halves, then quarters, then single controls, as long as the rest agrees. The broadest go first."""
        names, parts = by_specificity(pool), 2
        agrees = partial(self._agrees, trials=trials)
        while len(names) > 1:
            left_out = chunks(names, min(parts, len(names)))
            rests = [[*(name for name in names if name not in chunk), *kept] for chunk in reversed(left_out)]
            rest = first_of(self.settings, rests, trials, agrees, after=partial(halves, kept))
            if rest is not None:
                names, parts = [name for name in rest if name not in kept], max(2, parts - 1)
            elif parts >= len(names):
                break
            else:
                parts = 2 * parts
        return names

    def _necessary(self, names: list[str]) -> list[str]:
        """Leave out controls that are not needed, and replace a control by one that it implies if that suffices.

        Each remaining member is tested: the trials agree with the whole set, and diverge without this member. Returns
        an empty list if the set fails the test.
        """
        every = [[other for other in names if other != name] for name in names if len(names) > 1]
        prepare(self.settings, every, GLIMPSE)
        for others in every:
            if self._agrees(others, self.found.rule.full):
                return self._necessary(others)
            if not self._suffices(names, others):
                return []
        return next(filter(None, map(self._narrowed, [names] * len(names), names)), names)

    def _narrowed(self, names: list[str], name: str) -> list[str]:
        """Return the set with a control replaced by one that it implies; empty if no such set suffices."""
        for implied in controls.resolve([name]):
            narrower = by_specificity([*(other for other in names if other != name), implied])
            if implied not in names and self._suffices(narrower, []):
                return self._necessary(narrower)
        return []

    # -- alternatives -----------------------------------------------------------------------------------------

    def _find_alternatives(self) -> None:
        """Find further sets of the same size, in which a different control replaces one member."""
        first = self.found.minimal[0]
        self.options.shorten()
        for name in first:
            kept = [other for other in first if other != name]
            self._replace([other for other in self._alternatives_of(name) if other not in kept], kept)

    def _alternatives_of(self, name: str) -> list[str]:
        """Return the controls that are tried as a replacement for one.

        Nobody wants a different control instead of a seed, a seed instead of a flag, or a control that is an
        experiment. So these are tried only on request.
        """
        if self.options.alternatives and not self.found.everything:
            self._hold_everything()
        control, every = controls.describe(name), self.found.everything
        if self.options.alternatives:
            return without(every, name)
        self.found.is_partial = True
        if control.is_seed or control.acts_at_start:
            return []
        others = {other: controls.describe(other) for other in without(every, name)}
        return [other for other, entry in others.items() if not (entry.is_experiment or entry.is_seed)]

    def _replace(self, rest: list[str], kept: list[str]) -> None:
        while rest and len(self.found.minimal) <= ALTERNATIVES and self._agrees([*rest, *kept], self._glance):
            other = self._other(rest, kept)
            if not other or not self._keep(other):
                break
            rest = without(rest, next(member for member in other if member not in kept))

    def _other(self, rest: list[str], kept: list[str]) -> list[str]:
        """Return the first likely control that suffices alone, else a subset of the rest."""
        likely = [] if kept else self.clues.ordered(self.clues.kind, rest)
        sets = [[name] for name in likely]
        return first_of(self.settings, sets, GLIMPSE, lambda held: self._suffices(held, [])) or self._shrink(rest, kept)

    def _keep(self, other: list[str]) -> bool:
        """Keep a set that is as small as the smallest ones; a smaller set replaces them. Returns whether it is kept."""
        size = len(self.found.minimal[0])
        if len(other) < size:
            self.found.minimal = [other]
        elif len(other) == size and other not in self.found.minimal:
            self.found.minimal.append(other)
        return len(other) <= size
