"""The questions to losses, and what the resulting numbers can mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from samebits_parity.activations import softmax
from samebits_parity.defaults import behaviour
from samebits_parity.defaults.behaviour import Behaviour, Formula, senses
from samebits_parity.defaults.hypotheses import Array, Reduction, reduced, weighted

TARGET = np.array([[1.0, 0.0, 2.0], [0.5, 1.0, -1.0]])
OUTPUT = np.array([[0.5, 0.2, 1.0], [0.7, -1.0, 0.4]])
LABELS = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
CHANCES = np.array([[0.8, 0.3, 0.6], [0.1, 0.7, 0.4]])  # of each label
CLASSES = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
SHARES = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])  # of each class; rows sum to one
UNSUMMED = np.array([[0.2, 0.3, 0.1], [0.4, 0.3, 0.1]])  # rows do not
WEIGHTS = [3.0, 1.0]  # of the two samples, whose classes are 1 and 0
SMOOTHING = 0.3
REDUCTIONS: tuple[tuple[Reduction, str], ...] = (
    ("elements", "mean over elements"),
    ("samples", "mean over samples of their sums"),
    ("sum", "sum"),
    ("each", "not reduced"),
)


def of(loss: str, target: ArrayLike, output: ArrayLike, **settings: Any) -> dict[str, Any]:
    """Return the question to a script: one loss with its default reduction."""
    return {"do": "loss", "loss": loss, "target": np.asarray(target).tolist(), "output": np.asarray(output).tolist(),
            "settings": settings}  # fmt: skip


def loss(
    key: str, words: str, ask: dict[str, Any], *meanings: tuple[str, str, Formula | Sequence[Formula]]
) -> Behaviour:
    """Return a behaviour of a loss, with (id, words, formula or formulas) of each meaning."""
    return Behaviour(id=key, group="losses", words=words, ask=ask, meanings=senses(*meanings))


def reduction(key: str, words: str, ask: dict[str, Any], each: Array) -> Behaviour:
    """Return how the losses of elements become one number."""
    return loss(key, words, ask, *((how, said, partial(reduced, each, how)) for how, said in REDUCTIONS))


def entropy(labels: Array, chances: Array) -> Array:
    """Return the binary cross entropy of each element."""
    each: Array = -labels * np.log(chances) - (1 - labels) * np.log1p(-chances)
    return each


def crossed(target: Array, shares: Array) -> tuple[Formula, Formula]:
    """Return the categorical cross entropy: its mean over samples, and that of each sample."""
    each = -(target * np.log(shares)).sum(-1)
    return lambda: each.mean(), lambda: each


def _categorical() -> list[Behaviour]:
    spread = CLASSES * (1 - SMOOTHING)
    each = -(CLASSES * np.log(SHARES)).sum(-1)
    return [
        loss("categorical.input", "Categorical cross entropy reads the outputs as", of("categorical", CLASSES,
                                                                                        UNSUMMED),
             ("renormalised", "probabilities, divided by their sum",
              crossed(CLASSES, UNSUMMED / UNSUMMED.sum(-1, keepdims=True))),
             ("probabilities", "probabilities as they are", crossed(CLASSES, UNSUMMED)),
             ("logits", "logits", crossed(CLASSES, softmax(UNSUMMED)))),
        Behaviour(id="categorical.clip", group="losses", words="Categorical cross entropy: probabilities clipped at",
                  ask=of("categorical", [[1.0, 0.0]], [[0.0, 1.0]], probabilities_only=True),
                  estimate=lambda given: float(np.exp(-given[0]))),
        loss("categorical.smoothing", "Label smoothing a over K classes adds",
             of("categorical", CLASSES, SHARES, label_smoothing=SMOOTHING, as_logarithms=True),
             ("all", "a / K to every class", crossed(spread + SMOOTHING / 3, SHARES)),
             ("others", "a / (K - 1) to the others", crossed(spread + (1 - CLASSES) * SMOOTHING / 2, SHARES))),
        loss("categorical.weights", "Weights of samples (sample_weight) or classes (weight): the sum is divided by",
             of("categorical", CLASSES, SHARES, weights=WEIGHTS, as_logarithms=True),
             ("samples", "the number of samples", partial(weighted, each, WEIGHTS, "samples")),
             ("weights", "the sum of the weights", partial(weighted, each, WEIGHTS, "weights"))),
    ]  # fmt: skip


def _binary() -> list[Behaviour]:
    step = float(1 - np.float64(np.float32(1 - 1e-7)))  # one minus 1e-7 in float32
    added = ("added", "1e-12 is added", lambda: [-np.log(1e-12)])
    never = ("bounded", "logarithms are -100 or more", lambda: [100.0])
    return [
        reduction("bce.reduction", "Binary cross entropy: reduction", of("bce", LABELS, CHANCES), entropy(LABELS,
                                                                                                          CHANCES)),
        loss("bce.zero", "Binary cross entropy if a label 1 has probability 0", of("bce", [[1.0]], [[0.0]]),
             ("clipped", "clipped to 1e-7", lambda: [-np.log(1e-7)]),
             ("clipped twice", "clipped to 1e-7, and 1e-7 added", lambda: [-np.log(2e-7)]), added, never,
             ("infinite", "infinite", lambda: [np.inf])),
        loss("bce.one", "Binary cross entropy if a label 0 has probability 1", of("bce", [[0.0]], [[1.0]]),
             ("rounded", "clipped to 1 - 1e-7, in float32 1 - 1.19e-7", lambda: [-np.log(step)]),
             ("rounded twice", "clipped to 1 - 1e-7, in float32 1 - 1.19e-7, and 1e-7 added",
              lambda: [-np.log(step + 1e-7)]),
             ("summed first", "2.38e-7 stands for 0: (1 + 1e-7) - (1 - 1e-7) in float32",
              lambda: [-np.log(float(np.float32(1 + 1e-7)) - (1 - step))]),
             ("clipped", "clipped to 1 - 1e-7", lambda: [-np.log(1e-7)]), added, never,
             ("infinite", "infinite", lambda: [np.inf])),
    ]  # fmt: skip


def _distances() -> list[Behaviour]:
    error = OUTPUT - TARGET
    large = of("huber", [[0.0]], [[5.0]])
    return [
        reduction("mse.reduction", "Mean squared error: reduction", of("mse", TARGET, OUTPUT), error**2),
        reduction("mae.reduction", "Mean absolute error: reduction", of("mae", TARGET, OUTPUT), np.abs(error)),
        Behaviour(id="huber.delta", group="losses", words="Huber: delta", ask=large,
                  estimate=partial(behaviour.huber_delta, error=5.0)),
        loss("huber.scale", "Huber, or SmoothL1Loss, with delta 2: the loss of an error of 5",
             of("huber", [[0.0]], [[5.0]], delta=2.0), ("delta", "delta (|e| - delta/2)", lambda: [8.0]),
             ("one", "|e| - delta/2", lambda: [4.0])),
    ]  # fmt: skip


def _divergences() -> list[Behaviour]:
    taken = (SHARES * np.log(SHARES / SHARES[::-1]), SHARES * (np.log(SHARES) - SHARES[::-1]))
    ask = of("kl", SHARES, SHARES[::-1])
    each = [[*(partial(reduced, values, how) for how, _ in REDUCTIONS), partial(np.sum, values, -1)]
            for values in taken]  # fmt: skip
    reductions = (*REDUCTIONS, ("sums", "sums of samples, not reduced"))
    counts, rates = np.abs(TARGET), np.abs(OUTPUT)

    def by_rate(values: Array) -> list[Formula]:
        return [partial(reduced, values, how) for how in ("elements", "each")]

    return [
        loss("kl.input", "KL divergence reads the outputs as", ask, ("probabilities", "probabilities", each[0]),
             ("logarithms", "logarithms of probabilities", each[1])),
        loss("kl.reduction", "KL divergence: reduction", ask,
             *((how, said, both) for (how, said), both in zip(reductions, zip(*each, strict=True), strict=True))),
        loss("poisson.input", "Poisson loss reads the outputs as", of("poisson", counts, rates),
             ("rates", "rates", by_rate(rates - counts * np.log(rates))),
             ("logarithms", "logarithms of rates", by_rate(np.exp(rates) - counts * rates))),
    ]  # fmt: skip


BEHAVIOURS = (*_distances(), *_binary(), *_categorical(), *_divergences())
