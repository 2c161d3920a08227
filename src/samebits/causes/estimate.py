"""Estimates, before a search begins, how many trials it will need."""

from __future__ import annotations

from collections.abc import Sequence

from samebits.causes.candidates import Clues, hinted
from samebits.causes.decision_rule import FURTHER, GLIMPSE, Observation, all_in_all, further
from samebits.causes.search import SINGLES, SUSPECTS

__all__ = ["trials"]


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
