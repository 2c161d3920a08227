"""Estimates, before a search begins, how many trials it will need and how long they will take.

If the estimate turns out to be wrong, it says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from samebits import words
from samebits.causes.candidates import Clues, hinted
from samebits.causes.decision_rule import FURTHER, GLIMPSE, Observation, all_in_all, further
from samebits.causes.search import SINGLES, SUSPECTS
from samebits.experiment.estimates import CostEstimate

WRONG = 2  # the factor by which an estimate may be wrong before samebits says so


def trials(first: Observation, candidates: Sequence[str], clues: Clues) -> tuple[int, int]:
    """Return how many trials a search needs: if the likeliest cause is right, and if all likely ones are tried.

    A search for several causes, or one that must halve all controls, needs more. `first`: the trials with nothing held.
    """
    suspects = clues.suspected(clues.kind, candidates)[:SUSPECTS]
    likely = hinted(clues.kind, candidates)[:SINGLES]
    fewest = _accepted(first.groups, max(1, len(suspects) * (len(suspects) + 1)))
    most = _accepted(first.groups, 2 * (len(candidates) + 1)) + GLIMPSE * (1 + len(likely))
    return (fewest if suspects else fewest + GLIMPSE), most


def _accepted(groups: tuple[int, ...], settings: int) -> int:
    """Return how many further trials accept a setting, those with nothing held included."""
    of = sum(groups)
    return all_in_all(groups, settings, 0, of + further(groups, settings, room=FURTHER)) - of


@dataclass
class Corrections:
    """Says what is wrong with the estimate of a search. `began`: when the search began."""

    estimate: CostEstimate
    began: float
    _said: set[str] = field(default_factory=set)

    def after(self, made: int, now: float) -> Iterator[str]:
        """Yield what is wrong by a factor of more than 2, each once. `made`: trials since the search began."""
        fewest, most = self.estimate.fewest, self.estimate.most
        expected = (self.estimate.seconds or 0.0) / self.estimate.at_a_time
        each = (now - self.began) / max(made, 1)
        if made >= GLIMPSE and not expected / WRONG <= each <= expected * WRONG and "time" not in self._said:
            self._said.add("time")
            left = [words.span(max(1, count - made) * each) for count in (fewest, most)]
            took = f"a trial of the search takes {words.span(each)}, not {words.span(expected)}"
            yield f"the estimate was wrong: {took}. So the search needs another {left[0]} to {left[1]}"
        if made > most * WRONG and "number" not in self._said:
            self._said.add("number")
            yield f"the estimate was wrong: {made} trials ran, not at most {most}. Several or rare causes need more"
