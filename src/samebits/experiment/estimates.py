"""An estimate of what a command costs: how many trials it will run, and how long they take."""

from __future__ import annotations

from dataclasses import dataclass

from samebits import words


@dataclass(frozen=True)
class CostEstimate:
    """How many trials a command needs, at least and at most. `seconds`: of one trial; None if none has run yet.

    `what`: what needs the trials, the subject of the sentence.
    """

    what: str
    fewest: int
    most: int
    seconds: float | None = None
    at_a_time: int = 1

    @property
    def at_most(self) -> float:
        """The most seconds; 0 if they are not known."""
        return self._total(self.most)

    @property
    def sentence(self) -> str:
        """A line such as: most searches need 10 to 26 trials, about 30 s to 80 s."""
        numbers = "" if self.fewest == self.most else f"{self.fewest:,} to "
        text = f"{self.what} {numbers}{words.count(self.most, 'trial')}"
        if self.seconds is None:
            return text
        spans = dict.fromkeys(words.span(self._total(count)) for count in (self.fewest, self.most))
        return f"{text}, about {' to '.join(spans)}"

    def _total(self, trials: int) -> float:
        rounds = -(-trials // self.at_a_time)
        return rounds * (self.seconds or 0.0)
