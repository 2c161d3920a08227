"""Estimates, before a search begins, how many trials it will need and how long they will take."""

from __future__ import annotations

from collections.abc import Sequence

from samebits import words
from samebits.causes.candidates import Clues, hinted
from samebits.causes.decision_rule import FURTHER, GLIMPSE, Observation, all_in_all, further
from samebits.causes.search import SINGLES, SUSPECTS

__all__ = ["said", "trials"]


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


def said(number: tuple[int, int], seconds: float, at_a_time: int) -> str:
    """Return a line such as: most searches need 10 to 26 more trials, about 30 s to 80 s. `seconds`: of one trial."""
    fewest, most = (words.span(count * seconds / at_a_time) for count in number)
    return f"most searches need {number[0]} to {words.count(number[1], 'more trial')}, about {fewest} to {most}"
