"""Collects the evidence about two values in memory."""

from __future__ import annotations

from typing import NamedTuple

from samebits.comparison.evidence.judge import Judge, Judgement
from samebits.comparison.evidence.memory_numbers import MEMORY, words_of
from samebits.comparison.evidence.quantities import Quantity


class MemoryEvidence(NamedTuple):
    """The judge of all trials, and the numbers of the two trials that are compared. Without a judge, all is unknown."""

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
        first, second = Quantity(repr(a), a), Quantity(repr(b), b)
        return self._judge.numbers((MEMORY, words_of(place), 0), (self.one, first), (self.two, second))

    def text(self, a: str, b: str) -> Judgement:
        """Return what the difference of two texts means."""
        if self._judge is None:
            return Judgement("unknown")
        left = self._judge.left
        return self._judge.entries(MEMORY, (self.one, left[self.one].of_line(a)), (self.two, left[self.two].of_line(b)))


NONE = MemoryEvidence()
