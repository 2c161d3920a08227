"""Describes a setting in a few words: what it holds, and what its trials show."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from samebits import words
from samebits.causes.decision_rule import Observation

__all__ = ["held_words", "seen_words"]


def held_words(held: Collection[str], everything: Sequence[str]) -> str:
    """Describe controls in a few words: by their names, or by the names that are missing from everything."""
    names = [name for name in everything if name in held] or sorted(held)
    return f"{words.some_of(names, [name for name in everything if name not in held]) or 'nothing'} held"


def seen_words(outcome: Observation) -> str:
    """Describe what the trials of a setting show."""
    if outcome.broke:
        return f"the program does not run with this: {outcome.broke}"
    if outcome.unclear:
        return f"no answer: {outcome.unclear}"
    trials = words.count(outcome.trials, "trial")
    return f"{trials}, {'the same bits' if len(outcome.groups) == 1 else f'{len(outcome.groups)} different outcomes'}"
