"""The questions to optimizers, and what the resulting numbers can mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from samebits_parity.defaults import hypotheses as known
from samebits_parity.defaults.behaviour import Behaviour, Formula, senses
from samebits_parity.defaults.hypotheses import Decay, Gradients

Meanings = Iterable[tuple[str, str, Formula | Sequence[Formula]]]
COURSE = Gradients([0.3, -0.2], [[0.5, -0.1], [0.2, 0.3], [-0.4, 0.05]], [0.1, 0.1, 0.02])
DRAWS = 8  # how often to measure what may be random
CLIPPED = [[3e-4, 0.0], [0.0, -4e-4]]  # norms 3e-4 and 4e-4, 5e-4 together
MOST = 1e-4
PLACES: tuple[tuple[known.AdamPlace, str], ...] = (
    ("after", "after the bias correction"),
    ("before", "before the bias correction"),
    ("inside", "inside the root"),
)
ROOTS: tuple[tuple[known.RootPlace, str], ...] = (("outside", "to the root"), ("inside", "inside the root"))
DECAYS: tuple[tuple[known.DecayKind, str], ...] = (
    ("gradient", "added to the gradient (L2)"),
    ("weights", "subtracted from the weights, times the rate (decoupled)"),
    ("unscaled", "subtracted from the weights, without the rate"),
)


def train(optimizer: str, course: Gradients = COURSE, **settings: Any) -> dict[str, Any]:
    """Return the question to a script: steps of an optimizer on one tensor. Settings not named keep their defaults."""
    gradients = np.asarray(course.gradients)
    return {
        "do": "train", "optimizer": optimizer, "settings": settings, "start": [course.start],
        "gradients": [[gradient.tolist()] for gradient in gradients],
        "rates": np.broadcast_to(np.asarray(course.rates), len(gradients)).tolist(),
    }  # fmt: skip


def default(key: str, words: str, optimizer: str, setting: str) -> Behaviour:
    """Return a default of an optimizer: a setting of one that is made without settings."""
    ask = {"do": "setting", "optimizer": optimizer, "setting": setting}
    return Behaviour(id=key, group="optimizers", words=words, ask=ask, estimate=lambda given: float(given[0]))


def choice(key: str, words: str, ask: dict[str, Any], meanings: Meanings, **more: Any) -> Behaviour:
    """Return a behaviour of an optimizer, with (id, words, formula or formulas) of each meaning."""
    return Behaviour(id=key, group="optimizers", words=words, ask=ask, meanings=senses(*meanings), **more)


def _adam() -> list[Behaviour]:
    ask = {**train("adam", epsilon=0.05), "draws": DRAWS}  # Keras 2 reads its count in a random order
    forms = {(place, ahead): partial(known.adam, COURSE._replace(first=1 + ahead), epsilon=0.05, place=place)
             for (place, _), ahead in product(PLACES, (0, 1))}  # fmt: skip
    return [
        default("adam.rate", "Adam: learning rate", "adam", "rate"),
        default("adam.beta1", "Adam: beta 1", "adam", "beta1"),
        default("adam.beta2", "Adam: beta 2", "adam", "beta2"),
        default("adam.epsilon", "Adam: epsilon", "adam", "epsilon"),
        choice("adam.epsilon.place", "Adam: epsilon is added", ask,
               ((place, words, (forms[place, 0], forms[place, 1])) for place, words in PLACES)),
        choice("adam.count", "Adam: the first step is corrected", ask,
               ((str(1 + ahead), f"as step {1 + ahead}", tuple(forms[place, ahead] for place, _ in PLACES))
                for ahead in (0, 1))),
        _decay("adam.decay", "Adam: weight_decay is", train("adam", weight_decay=0.3), partial(known.adam, COURSE)),
        _decay("adamw.decay", "AdamW: weight_decay is", train("adamw", weight_decay=0.3), partial(known.adam, COURSE)),
        default("adamw.factor", "AdamW: weight_decay", "adamw", "decay"),
    ]  # fmt: skip


def _decay(key: str, words: str, ask: dict[str, Any], formula: Callable[..., ArrayLike]) -> Behaviour:
    return choice(key, words, ask, ((kind, said, partial(formula, decay=Decay(0.3, kind))) for kind, said in DECAYS))


def _sgd() -> list[Behaviour]:
    forms: tuple[tuple[known.MomentumForm, str], ...] = (
        ("gradient", "v = mu v + g, w -= lr v"),
        ("step", "v = mu v - lr g, w += v"),
        ("damped", "v = mu v + (1 - mu) g, w -= lr v"),
    )
    # The decay is measured with momentum, because without it the first two are the same. With a constant rate, the form
    # of momentum does not matter.
    steady = COURSE._replace(rates=[0.1, 0.1, 0.1])
    return [
        default("sgd.rate", "SGD: learning rate", "sgd", "rate"),
        *(choice(id, words, train("sgd", momentum=0.9, nesterov=nesterov),
                 ((form, said, partial(known.sgd, COURSE, momentum=0.9, form=form, nesterov=nesterov))
                  for form, said in forms))
          for id, words, nesterov in (("sgd.momentum", "SGD: momentum", False),
                                      ("sgd.nesterov", "SGD: Nesterov's momentum", True))),
        choice("sgd.plain", "SGD: default momentum", train("sgd"),
               (("none", "none", partial(known.sgd, COURSE)),
                ("some", "0.9", partial(known.sgd, COURSE, momentum=0.9)))),
        _decay("sgd.decay", "SGD: weight_decay is", train("sgd", steady, momentum=0.9, weight_decay=0.3),
               partial(known.sgd, steady, momentum=0.9)),
    ]  # fmt: skip


def _rooted(key: str, words: str, ask: dict[str, Any], formula: Callable[..., ArrayLike]) -> Behaviour:
    return choice(key, words, ask, ((place, said, partial(formula, place=place)) for place, said in ROOTS))


def _rmsprop() -> list[Behaviour]:
    formula = partial(known.rmsprop, COURSE, epsilon=0.05)
    return [
        default("rmsprop.rate", "RMSprop: learning rate", "rmsprop", "rate"),
        default("rmsprop.rho", "RMSprop: rho (alpha)", "rmsprop", "rho"),
        default("rmsprop.epsilon", "RMSprop: epsilon", "rmsprop", "epsilon"),
        _rooted("rmsprop.epsilon.place", "RMSprop: epsilon is added", train("rmsprop", rho=0.9, epsilon=0.05), formula),
        choice("rmsprop.centered", "RMSprop: centered divides by the root of",
               train("rmsprop", rho=0.9, epsilon=0.05, centered=True),
               ((id, words, [partial(formula, centered=centered, place=place) for place, _ in ROOTS])
                for id, words, centered in (("variance", "the variance", True), ("square", "the mean square", False)))),
    ]  # fmt: skip


def _adagrad() -> list[Behaviour]:
    start = Gradients([0.0], [[0.1], [0.1]], [1.0, 1.0])
    return [
        default("adagrad.rate", "Adagrad: learning rate", "adagrad", "rate"),
        choice("adagrad.start", "Adagrad: the sum of squares starts from", train("adagrad", start),
               ((f"{value:g}", f"{value:g}", partial(known.adagrad, start, accumulator=value))
                for value in (0.0, 0.1, 1.0))),
        default("adagrad.epsilon", "Adagrad: epsilon", "adagrad", "epsilon"),
        _rooted("adagrad.epsilon.place", "Adagrad: epsilon is added", train("adagrad", accumulator=0.0, epsilon=0.05),
                partial(known.adagrad, COURSE, accumulator=0.0, epsilon=0.05)),
    ]  # fmt: skip


def clipped(setting: str, most: float) -> dict[str, Any]:
    """Measure one step of SGD from zero at rate 1. The weights are the clipped gradients with the opposite sign."""
    return {
        "do": "train", "optimizer": "sgd", "settings": {setting: most}, "start": [[0.0, 0.0]] * 2,
        "gradients": [CLIPPED], "rates": [1.0],
    }  # fmt: skip


def _clip() -> list[Behaviour]:
    def norm(over: Any, added: float) -> Callable[[], ArrayLike]:
        return lambda: -np.concatenate(known.clip_norm(CLIPPED, MOST, over=over, added=added))

    spread = [(id, words, (norm(id, 0.0), norm(id, 1e-6)))
              for id, words in (("tensor", "each tensor by itself"), ("all", "all tensors together"))]  # fmt: skip
    exact = [(id, words, (norm("all", added), norm("tensor", added)))
             for id, words, added in (("exact", "the norm", 0.0), ("added", "the norm + 1e-6", 1e-6))]  # fmt: skip
    return [
        choice("clip.norm.over", "Clipping (clipnorm, clip_grad_norm_): the norm is of", clipped("clip_norm", MOST),
               spread),
        choice("clip.norm.divisor", "Clipping by norm: divides by", clipped("clip_norm", MOST), exact),
        choice("clip.global", "Clipping (global_clipnorm, clip_grad_norm_): divides by", clipped("clip_global", MOST),
               exact),
        choice("clip.value", "Clipping by value bounds", clipped("clip_value", 2e-4),
               [("value", "each element", lambda: -np.concatenate(known.clip_value(CLIPPED, 2e-4)))]),
    ]  # fmt: skip


def _penalty() -> list[Behaviour]:
    """Return a dense layer with kernel 0.5, bias 0.25 and penalty factor 0.1, whose loss is at its minimum; rate 1."""
    ask = {"do": "penalty", "kernel": 0.5, "bias": 0.25, "factor": 0.1}
    title = "L2 (kernel_regularizer, weight_decay)"
    return [
        choice("l2.gradient", f"{title}: its gradient", ask,
               ((id, words, partial(known.penalty_gradient, [0.5], 0.1, halved=halved))
                for id, words, halved in (("twice", "2 l w", False), ("once", "l w", True))),
               prepare=lambda given: given[:1], pick=0),
        choice("l2.bias", f"{title}: acts on", ask,
               (("kernel", "the kernel only", lambda: [0.0]), ("both", "kernel and bias", lambda: [0.5])),
               prepare=lambda given: given[1:2] / given[:1], pick=1),
        choice("l2.loss", f"{title}: the reported loss", ask,
               (("held", "includes the penalty l w^2", lambda: [0.1 * 0.5**2]),
                ("without", "does not include it", lambda: [0.0])),
               prepare=lambda given: given[2:], pick=2),
    ]  # fmt: skip


BEHAVIOURS = (*_adam(), *_sgd(), *_rmsprop(), *_adagrad(), *_penalty(), *_clip())
