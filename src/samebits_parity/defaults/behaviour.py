"""Defines a behaviour: a question to a library, and what the resulting numbers can mean.

The value of a default (a learning rate, an epsilon, a share) is computed from the numbers: each function takes the
numbers of one question in the tables (optimizers.py, losses.py), and raises ValueError if no value of the
default gives such numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


@dataclass(frozen=True)
class Sense:
    """`formulas`: each gives numbers that have this meaning; there are several if a further choice is left open."""

    id: str
    words: str
    formulas: tuple[Callable[[], ArrayLike], ...]

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
        return self._solved(given) if self.estimate else self._recognised(given)

    def _solved(self, given: Array) -> BehaviourFinding:
        assert self.estimate is not None
        try:
            value = self.estimate(given)
        except ValueError:
            return _unknown(given, self.pick)
        text = f"{float(f'{value:.{DIGITS}g}'):g}"
        return BehaviourFinding(text, text)

    def _recognised(self, given: Array) -> BehaviourFinding:
        numbers = np.ravel(np.asarray(self.prepare(given), float))
        fits = [(apart(numbers, formula), meaning) for meaning in self.meanings for formula in meaning.numbers()]
        least, best = min(fits, key=lambda fit: fit[0])
        if least > TOLERANCE:
            return _unknown(given, self.pick)
        return BehaviourFinding(best.id, best.words, float(given[self.pick]))


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


CLOSE = 1e-3  # relative: two steps name one epsilon
BETAS = (0.9, 0.999)
LEAST_BETA2 = 0.98  # below it, two pairs of betas give the same length


def moved(given: Array) -> float:
    """Return how far a weight went down from zero in one step."""
    return -float(given[0])


def adam_rate(given: Array) -> float:
    """Return the learning rate from two steps of Adam from zero with one gradient.

    Each is as long as the rate if the count begins at one.
    """
    first, second = -given[0], given[0] - given[1]
    if abs(first / second - 1) < CLOSE:
        return float(first)
    return float(first * (1 + BETAS[0]) / np.sqrt(1 + BETAS[1]))  # the first step was corrected like a second one


def adam_epsilon(given: Array, gradients: Array) -> float:
    """Return the epsilon that fits all weights, wherever it is added.

    It comes from two steps of Adam from zero, rate 1. Each weight has a tiny gradient, the same in both steps.
    """
    path, candidates = given.reshape(2, -1), []
    lengths, steps = -np.diff(path, axis=0, prepend=0.0), np.array([[1.0], [2.0]])
    for ahead in (0, 1):
        mean = gradients * (1 - BETAS[0] ** steps) / (1 - BETAS[0] ** (steps + ahead))
        correction = 1 - BETAS[1] ** (steps + ahead)
        square = gradients**2 * (1 - BETAS[1] ** steps) / correction
        after = mean / lengths - np.sqrt(square)
        candidates += [after, after * np.sqrt(correction), (mean / lengths) ** 2 - square]
    return agreed(candidates)


def adam_betas(given: Array, late: int) -> tuple[float, float]:
    """Return both betas of Adam from zero, rate 1.

    The first weight has a gradient in step 1 only, the second in step `late` only. The first weight shows whether
    the count of steps runs ahead. The last two steps of the second give both betas.
    """
    path = given.reshape(-1, 2)
    count = late + int(abs(-path[0, 0] - 1) > CLOSE)
    length, rest = -path[-2, 1], path[-2, 1] - path[-1, 1]
    low, high = LEAST_BETA2, 1 - 1e-7
    for _ in range(80):
        beta2 = (low + high) / 2
        beta1 = _first_beta(rest / length, beta2, count)
        expected = (1 - beta1) / (1 - beta1**count) * np.sqrt((1 - beta2**count) / (1 - beta2))
        low, high = (beta2, high) if expected < length else (low, beta2)
    if not 0 < beta1 < 1 or abs(expected / length - 1) > CLOSE:
        raise ValueError("no momentum gives such steps")
    return beta1, beta2


def _first_beta(ratio: float, beta2: float, count: int) -> float:
    """Return beta1, from the ratio of the next step to the step that had the gradient."""
    beta1 = ratio
    for _ in range(20):
        corrections = (1 - beta1**count) / (1 - beta1 ** (count + 1))
        corrections *= np.sqrt((1 - beta2 ** (count + 1)) / (1 - beta2**count))
        beta1 = float(ratio * np.sqrt(beta2) / corrections)
    return beta1


def rms_share(given: Array) -> float:
    """Return rho, from two steps of RMSprop from zero with one large gradient.

    The ratio of their lengths is 1 to 1 / sqrt(1 + rho).
    """
    return float((given[0] / (given[1] - given[0])) ** 2 - 1)


def rms_rate(given: Array) -> float:
    """Return the learning rate in the first of those steps."""
    return float(-given[0] * np.sqrt(1 - rms_share(given)))


def root_epsilon(given: Array, gradient: float, squares: Array) -> float:
    """Return the epsilon, outside or inside of the root.

    It comes from two steps from zero, rate 1, with one tiny gradient over the roots of `squares`.
    """
    ratio = gradient / np.array([-given[0], given[0] - given[1]])
    return agreed([ratio - np.sqrt(squares), ratio**2 - squares])


def agreed(candidates: list[Array]) -> float:
    """Return the first value of the candidate whose values agree.

    The first value is the most exact, because it comes from the smallest gradient.
    """
    positive = [values for values in candidates if np.isfinite(values).all() and (values > 0).all()]
    best = min(positive, key=lambda values: values.max() / values.min(), default=None)
    if best is None or best.max() / best.min() > 1 + CLOSE:
        raise ValueError("no epsilon gives all steps")
    return float(best.flat[0])


def huber_delta(given: Array, error: float) -> float:
    """Solve d (e - d/2) = L for d, with the loss L of one large error."""
    rest = error**2 - 2 * float(given[0])
    if rest < 0:
        raise ValueError("no delta gives such a loss")
    return error - float(np.sqrt(rest))
