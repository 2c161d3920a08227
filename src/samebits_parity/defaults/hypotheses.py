"""What an optimizer, a decay, a clipping or a reduction may mean. Each meaning is a formula, in float64.

All are pure functions of arrays. An optimizer takes a sequence of gradients and gives the weights after each step,
(steps, n). If a formula comes from a paper, the paper is named. The other forms are those that libraries were found to
compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
DecayKind = Literal["gradient", "weights", "unscaled"]
# of Adam: added to the root of the corrected moment, to the root before it is corrected, or inside the root
AdamPlace = Literal["after", "before", "inside"]
RootPlace = Literal["outside", "inside"]  # added to the root, or inside it
Reduction = Literal["elements", "samples", "sum", "each"]
MomentumForm = Literal["gradient", "step", "damped"]
ClipKind = Literal["tensor", "all", "value"]  # the norm of each tensor, the norm of all of them, or each value


class Gradients(NamedTuple):
    """`start` (n,); `gradients` (steps, n); `rates`: the learning rate of each step, (steps,), or one for all.

    `first`: the number of the first step, for an optimizer whose bias correction uses step numbers.
    """

    start: ArrayLike
    gradients: ArrayLike
    rates: ArrayLike
    first: int = 1

    def steps(self) -> list[tuple[Array, float]]:
        """Return (gradient, rate) of each step."""
        each = np.asarray(self.gradients, float)
        rates = np.broadcast_to(np.asarray(self.rates, float), (len(each),))
        return list(zip(each, rates.tolist(), strict=True))


class Decay(NamedTuple):
    """Weight decay of a factor d, before the step.

    gradient: g + d w (L2 of d/2 w^2); weights: w - rate d w (Loshchilov and Hutter 2019, as libraries scale it);
    unscaled: w - d w.
    """

    factor: float = 0.0
    kind: DecayKind = "gradient"

    def applied(self, weights: Array, gradient: Array, rate: float) -> tuple[Array, Array]:
        """Return the weights and the gradient that the step uses."""
        if self.kind == "gradient":
            return weights, gradient + self.factor * weights
        return weights * (1 - self.factor * (rate if self.kind == "weights" else 1)), gradient


NO_DECAY = Decay()


def penalty_gradient(weights: ArrayLike, factor: float, *, halved: bool) -> Array:
    """Return the gradient 2 l w of the penalty l sum(w^2); l w for half of it, which weight decay stands for."""
    gradient: Array = np.asarray(weights, float) * factor * (1 if halved else 2)
    return gradient


def adam(
    course: Gradients, *, betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8, place: AdamPlace = "after", decay: Decay = NO_DECAY,
) -> Array:  # fmt: skip
    """Take steps of Adam (Kingma and Ba 2015, Algorithm 1: `after`; the efficient form of its section 2: `before`)."""
    weights = np.asarray(course.start, float)
    first, second, path = np.zeros_like(weights), np.zeros_like(weights), []
    for step, (gradient, rate) in enumerate(course.steps(), course.first):
        weights, gradient = decay.applied(weights, gradient, rate)
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        corrected = first / (1 - betas[0] ** step)
        weights = weights - rate * corrected / adam_denominator(second, 1 - betas[1] ** step, epsilon, place)
        path.append(weights)
    return np.array(path)


def adam_denominator(second: Array, correction: float, epsilon: float, place: AdamPlace) -> Array:
    """Return what Adam's corrected first moment is divided by. `correction`: 1 - beta2^t."""
    if place == "before":
        return rooted(second, epsilon, "outside") / float(np.sqrt(correction))
    return rooted(second / correction, epsilon, "outside" if place == "after" else "inside")


def sgd(
    course: Gradients, *, momentum: float = 0.0,
    form: MomentumForm = "gradient", nesterov: bool = False, decay: Decay = NO_DECAY,
) -> Array:  # fmt: skip
    """Take steps of gradient descent.

    Momentum accumulates gradients (v = mu v + g, w -= rate v), steps (v = mu v - rate g, w += v), or damped
    gradients (v = mu v + (1 - mu) g). The first two diverge when the rate changes.
    """
    weights = np.asarray(course.start, float)
    gathered, path = np.zeros_like(weights), []
    for gradient, rate in course.steps():
        weights, gradient = decay.applied(weights, gradient, rate)
        added = {"gradient": gradient, "step": rate * gradient, "damped": (1 - momentum) * gradient}[form]
        gathered = momentum * gathered + added
        taken = added + momentum * gathered if nesterov else gathered
        weights = weights - (taken if form == "step" else rate * taken)
        path.append(weights)
    return np.array(path)


def rooted(value: Array, epsilon: float, place: RootPlace) -> Array:
    """Return sqrt(v) + epsilon, or sqrt(v + epsilon)."""
    root: Array = np.sqrt(value) + epsilon if place == "outside" else np.sqrt(value + epsilon)
    return root


def rmsprop(
    course: Gradients, *, rho: float = 0.9, epsilon: float = 1e-7,
    place: RootPlace = "outside", centered: bool = False,
) -> Array:  # fmt: skip
    """Take steps of RMSprop (Hinton's lecture 6e).

    If `centered`, the squared mean of gradients is subtracted (Graves 2013).
    """
    weights = np.asarray(course.start, float)
    mean, square, path = np.zeros_like(weights), np.zeros_like(weights), []
    for gradient, rate in course.steps():
        square = rho * square + (1 - rho) * gradient**2
        mean = rho * mean + (1 - rho) * gradient
        spread = square - mean**2 if centered else square
        weights = weights - rate * gradient / rooted(spread, epsilon, place)
        path.append(weights)
    return np.array(path)


def adagrad(
    course: Gradients, *, accumulator: float = 0.0, epsilon: float = 1e-7,
    place: RootPlace = "outside",
) -> Array:  # fmt: skip
    """Take steps of Adagrad (Duchi et al. 2011). `accumulator`: what the sum of squares starts from."""
    weights = np.asarray(course.start, float)
    total, path = np.full_like(weights, accumulator), []
    for gradient, rate in course.steps():
        total = total + gradient**2
        weights = weights - rate * gradient / rooted(total, epsilon, place)
        path.append(weights)
    return np.array(path)


def clip_norm(
    gradients: Sequence[ArrayLike], most: float, *, over: Literal["tensor", "all"], added: float = 0.0
) -> list[Array]:
    """Return the gradients whose L2 norm is at most `most`, for each tensor by itself or for all together.

    `added`: what is added to the norm before `most` is divided by it.
    """
    given = [np.asarray(gradient, float) for gradient in gradients]
    norms = [float(np.linalg.norm(gradient)) for gradient in given]
    if over == "all":
        norms = [float(np.linalg.norm(norms))] * len(given)
    return [gradient * min(1.0, most / (norm + added)) if norm else gradient
            for gradient, norm in zip(given, norms, strict=True)]  # fmt: skip


def clip_value(gradients: Sequence[ArrayLike], most: float) -> list[Array]:
    """Return the gradients whose elements lie at most `most` from zero."""
    return [np.clip(np.asarray(gradient, float), -most, most) for gradient in gradients]


class Clip(NamedTuple):
    """Clipping to `most` that an optimizer does itself, after its gradients were seen (such as Keras' clipnorm)."""

    over: ClipKind
    most: float

    def applied(self, gradients: dict[str, Array], name: str) -> Array:
        """Return one of these gradients, clipped."""
        if self.over == "value":
            return clip_value([gradients[name]], self.most)[0]
        if self.over == "tensor":
            return clip_norm([gradients[name]], self.most, over="tensor")[0]
        return clip_norm(list(gradients.values()), self.most, over="all")[list(gradients).index(name)]


def clip_of(facts: dict[str, Any] | None) -> Clip | None:
    """Return what an optimizer is set to clip; None if it clips nothing, or if its settings are unknown."""
    known: dict[str, ClipKind] = {"clipnorm": "tensor", "global_clipnorm": "all", "clipvalue": "value"}
    for group in facts["groups"] if facts else ():
        for name, over in known.items():
            if isinstance(group.get(name), (int, float)):
                return Clip(over, float(group[name]))
    return None


def reduced(each: ArrayLike, how: Reduction) -> Array:
    """Return the loss of `each` (samples, ...).

    It is the mean over elements, the mean over samples of their sums, the sum, or all of them as they are.
    """
    values = np.asarray(each, float)
    if how == "each":
        return values
    return np.asarray(values.mean() if how == "elements" else values.sum() / (len(values) if how == "samples" else 1))


def weighted(each: ArrayLike, weights: ArrayLike, by: Literal["samples", "weights"]) -> float:
    """Return the mean of weighted losses (samples,): over the number of samples, or over the sum of the weights."""
    values, shares = np.asarray(each, float), np.asarray(weights, float)
    return float((values * shares).sum() / (len(values) if by == "samples" else shares.sum()))
