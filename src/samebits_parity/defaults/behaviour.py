"""Defines a behaviour: a question to a library, and what the resulting numbers can mean.

The default of an optimizer is a setting that it has if it is made without settings. That of a loss is computed from
numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from samebits_parity.defaults.hypotheses import Array
from samebits_parity.options import Group

# relative to the largest number: what float32 may lose in a few steps; the numbers of two meanings lie five times as
# far apart
TOLERANCE = 3e-5
DIGITS = 3  # significant digits of a value that was computed
NOT_KNOWN = "none of the known"
Formula = Callable[[], ArrayLike]


@dataclass(frozen=True)
class Sense:
    """`formulas`: each gives numbers that have this meaning; there are several if a further choice is left open."""

    id: str
    words: str
    formulas: tuple[Formula, ...]

    def numbers(self) -> list[Array]:
        """Return the numbers of each formula, flat."""
        return [np.ravel(np.asarray(formula(), float)) for formula in self.formulas]


@dataclass(frozen=True)
class BehaviourFinding:
    """What numbers were found to mean. `number`: shown beside the words; None if the words are that number."""

    meaning: str
    words: str
    number: float | None = None


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """`ask`: what a script measures (`do` says how). Either `meanings` or `estimate` says what the numbers mean.

    `estimate`: computes a value from the numbers, or raises ValueError; `prepare`: turns what was measured into the
    numbers that formulas give; `pick`: the place of the number that is shown.
    """

    id: str
    group: Group
    words: str
    ask: dict[str, Any]
    meanings: tuple[Sense, ...] = ()
    estimate: Callable[[Array], float] | None = None
    prepare: Callable[[Array], ArrayLike] = np.ravel
    pick: int = -1

    def classify(self, measured: Iterable[float]) -> BehaviourFinding:
        """Return which meaning reproduces the numbers."""
        given = np.fromiter(measured, float)
        if self.estimate:
            try:
                text = f"{float(f'{self.estimate(given):.{DIGITS}g}'):g}"
            except ValueError:
                return _unknown(given, self.pick)
            return BehaviourFinding(text, text)
        numbers = np.ravel(np.asarray(self.prepare(given), float))
        fits = [(apart(numbers, formula), meaning) for meaning in self.meanings for formula in meaning.numbers()]
        least, best = min(fits, key=lambda fit: fit[0])
        if least > TOLERANCE:
            return _unknown(given, self.pick)
        return BehaviourFinding(best.id, best.words, float(given[self.pick]))


def senses(*meanings: tuple[str, str, Formula | Sequence[Formula]]) -> tuple[Sense, ...]:
    """Return meanings from (id, words, formula or formulas) of each."""
    return tuple(
        Sense(id, words, (formula,) if callable(formula) else tuple(formula)) for id, words, formula in meanings
    )


def _unknown(given: Array, pick: int) -> BehaviourFinding:
    numbers = ", ".join(f"{number:.3g}" for number in given)
    return BehaviourFinding(f"unknown: {numbers}", NOT_KNOWN, float(given[pick]) if len(given) else None)


def apart(numbers: Array, formula: Array) -> float:
    """Return the largest difference, relative to the largest number; infinite if shapes or infinities differ."""
    if numbers.shape != formula.shape or not np.array_equal(np.isfinite(numbers), np.isfinite(formula)):
        return np.inf
    if not np.array_equal(numbers[~np.isfinite(numbers)], formula[~np.isfinite(formula)]):
        return np.inf
    finite = np.isfinite(formula)
    away = np.abs(numbers[finite] - formula[finite])
    scale = float(np.max(np.abs(formula[finite]), initial=0.0)) or 1.0
    return float(np.max(away, initial=0.0)) / scale


def huber_delta(given: Array, error: float) -> float:
    """Solve d (e - d/2) = L for d, with the loss L of one large error."""
    rest = error**2 - 2 * float(given[0])
    if rest < 0:
        raise ValueError("no delta gives such a loss")
    return error - float(np.sqrt(rest))
