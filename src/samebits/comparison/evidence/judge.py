"""Judges differences by the order of evidence. The page "What counts among the results" explains it to users.

1. Model content counts. 2. Facts of the trial, by value. 3. Forms. 4. The experiment: trials with a faster clock.
5. Whole names, only if no trial could decide, and as a caveat. 6. Anything else is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from samebits.comparison.evidence.entries import LeftEntries, TextEntry
from samebits.comparison.evidence.forms import NAMES
from samebits.comparison.evidence.laws import Finding, Law, Sample, changed_as_a_time, law_of
from samebits.comparison.evidence.memory_numbers import MEMORY, words_of
from samebits.comparison.evidence.quantities import Quantity, stored
from samebits.model import TrialFile
from samebits.store.trace import TrialTrace

Effect = Literal["counts", "understood", "unknown"]
Place = tuple[str, str, int]  # file, words of the shape, place among its numbers
_LAWS: dict[Law, str] = {
    "duration": "it follows the clock",
    "rate": "it follows the inverse of the clock",
    "moment": "it is a moment of the trial",
    "known": "the program got it from the clock",
}
_NO_LAW = "it does not follow the clock"
_VARIES = "it varies too much to say whether it follows the clock"


class Judgement(NamedTuple):
    """What a difference means, and why. `by_name`: only a name says so, which is a caveat.

    With trials with a faster clock: `varies`: the place changed as much with the fastest clock as a time would. A
    number that is drawn anew hardly ever does. `is_result`: it did not.
    """

    effect: Effect
    reason: str = ""
    by_name: bool = False
    is_result: bool = False
    varies: bool = False


_LITTLE = 0.1  # of the time of a trial: a shorter wait changes no law
FACT = Judgement("understood", "a time, a date, a path or an id of the trial")


class Judge:
    """Judges what differs between any two of these trials. `known`: laws that earlier trials have shown; None: no law.

    `known`, `settled`: by the name of the place. `has_experiment`: whether trials with a faster clock took part.
    `results`: the names of places whose values did not change as much with the fastest clock as a time would.
    """

    def __init__(self, trials: Iterable[TrialTrace], known: Mapping[str, Finding | None] | None = None) -> None:
        self.left = {trial.id: LeftEntries(trial) for trial in trials}
        self.has_experiment = len({left.facts.rate for left in self.left.values()} - {1.0}) > 1
        self._known = dict(known or {})
        self._laws: dict[Place, Finding | None] = {}
        self.results = {name for name, finding in self._known.items() if finding is None}

    @property
    def settled(self) -> dict[str, Finding]:
        """The laws that were found now or by earlier trials, and that explained a difference."""
        return {name_of(place): finding for place, finding in self._laws.items() if finding is not None}

    def entries(self, key: str, a: tuple[int, TextEntry], b: tuple[int, TextEntry]) -> Judgement:
        """Return what the difference of two entries of a file means. `a`, `b`: the trial, and its entry."""
        (first, mine), (second, theirs) = a, b
        if mine.text == theirs.text:
            return FACT
        words = mine.shape.words
        if words != theirs.shape.words or len(mine.shape.quantities) != len(theirs.shape.quantities):
            return self._of_origin(key, mine, theirs)
        judgements = [
            self.numbers((key, words, place), (first, x), (second, y))
            for place, (x, y) in enumerate(zip(mine.shape.quantities, theirs.shape.quantities, strict=True))
            if x.text != y.text
        ]
        worst = max(judgements, key=lambda item: (item.effect == "unknown", item.by_name, item.is_result), default=FACT)
        origin = self._of_origin(key, mine, theirs) if worst.effect == "unknown" else worst
        return worst if origin.effect == "unknown" else origin

    def numbers(self, place: Place, a: tuple[int, Quantity], b: tuple[int, Quantity]) -> Judgement:
        """Return what the difference of two numbers at one place means."""
        (first, x), (second, y) = a, b
        facts = self.left[first].facts, self.left[second].facts
        if all(own.holds(number) for own, number in zip(facts, (x, y), strict=True)):
            return FACT
        if x.is_clock and y.is_clock and facts[0].is_time_of_day(x.text) and facts[1].is_time_of_day(y.text):
            return FACT
        finding = self.law(place)
        if finding is not None:
            return Judgement("understood", _LAWS[finding.law])
        if name_of(place) in self.results:
            return Judgement("unknown", _NO_LAW, is_result=True)
        return self._of_experiment(place) if self.has_experiment else _by_name(place, min(x.value, y.value))

    def _of_experiment(self, place: Place) -> Judgement:
        """Judge numbers that follow no law."""
        if changed_as_a_time(self._samples(place)):
            return Judgement("unknown", _VARIES, varies=True)
        self.results.add(name_of(place))
        return Judgement("unknown", _NO_LAW, is_result=True)

    def law(self, place: Place) -> Finding | None:
        """Return the law of a place; None if its values follow none."""
        if place not in self._laws:
            finding = self._known.get(name_of(place))
            is_open = self.has_experiment and name_of(place) not in self._known
            self._laws[place] = law_of(self._samples(place)) if is_open else finding
        return self._laws[place]

    def _samples(self, place: Place) -> list[Sample]:
        return [
            Sample(left.facts.rate, left.values(*place), left.facts.uptime, has_waited=_has_waited(left.trial.file))
            for left in self.left.values()
        ]

    def _of_origin(self, key: str, mine: TextEntry, theirs: TextEntry) -> Judgement:
        """Judge two texts that differ. With a faster clock, a part of the text may come from the clock."""
        fast = [left for left in self.left.values() if left.facts.rate != 1]
        texts = [left.texts_with_ids(key) for left in fast]
        for text in set.intersection(*texts) if len(texts) > 1 else ():
            pattern = re.compile(".{1,64}?".join(map(re.escape, text.split("<id>"))))
            if all(pattern.fullmatch(entry.text) for entry in (mine, theirs)):
                self._laws[key, text, 0] = Finding("known", [])
                return Judgement("understood", _LAWS["known"])
        return Judgement("unknown", _NO_LAW if self.has_experiment else "")


class MemoryEvidence(NamedTuple):
    """Judges values in memory. `one`, `two`: the numbers of two trials. Without `judge`, nothing is known."""

    judge: Judge | None = None
    one: int = 0
    two: int = 0

    @property
    def rates(self) -> tuple[float, float]:
        """How fast the clocks of the two trials were."""
        judge = self._judge
        return (judge.left[self.one].facts.rate, judge.left[self.two].facts.rate) if judge is not None else (1.0, 1.0)

    @property
    def _judge(self) -> Judge | None:
        """The judge, if the probe saw the ends of both trials."""
        return self.judge if self.judge is not None and {self.one, self.two} <= self.judge.left.keys() else None

    def number(self, place: str, a: float, b: float) -> Judgement:
        """Return what the difference of two numbers means."""
        if self._judge is None:
            return Judgement("unknown")
        return self._judge.numbers((MEMORY, words_of(place), 0), (self.one, stored(a)), (self.two, stored(b)))

    def text(self, a: str, b: str) -> Judgement:
        """Return what the difference of two texts means."""
        if self._judge is None:
            return Judgement("unknown")
        left = self._judge.left
        return self._judge.entries(MEMORY, (self.one, left[self.one].of_line(a)), (self.two, left[self.two].of_line(b)))


NONE = MemoryEvidence()


def _has_waited(file: TrialFile) -> bool:
    return file.waited > _LITTLE * file.seconds


def name_of(place: Place) -> str:
    """Return the name of a place in a record."""
    file, words, at = place
    return f"{file or 'names of files'} > {words} > number {at + 1}"


_WORD_BEFORE = re.compile(r"([A-Za-z_][\w.]*)\W*$")


def _by_name(place: Place, least: float) -> Judgement:
    """Judge numbers by the whole name before them, which may be one of NAMES. `least`: the smaller number."""
    before = re.split(r"[#@]", place[1])[: place[2] + 1][-1]
    name = _WORD_BEFORE.search(before)
    if least < 0 or name is None or name[1].rpartition(".")[2].lower() not in NAMES:
        return Judgement("unknown")
    return Judgement("understood", "only its name says that it is a time", by_name=True)
