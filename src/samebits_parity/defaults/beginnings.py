"""The initial values of layers, and how an epoch goes through its samples."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from samebits_parity.defaults.behaviour import Behaviour
from samebits_parity.defaults.hypotheses import Array
from samebits_parity.defaults.layers import layer


def _start() -> list[Behaviour]:
    """Return the initial values of layers. If they are random, only ask whether all are zero, or all small."""

    def zero(given: Array) -> ArrayLike:
        return [float(np.any(given != 0))]

    def biases(key: str, words: str, name: str) -> Behaviour:
        return layer(
            key,
            words,
            {"do": "start", "layer": name},
            ("zero", "zero", lambda: [0.0]),
            ("drawn", "drawn at random", lambda: [1.0]),
            prepare=zero,
        )

    forget = np.repeat([0.0, 1.0, 0.0, 0.0], 2)
    return [
        biases("dense.bias", "Dense: initial bias", "dense"), biases("conv.bias", "Convolution: initial bias",
                                                                     "convolution"),
        layer("lstm.bias", "LSTM: initial bias", {"do": "start", "layer": "lstm"},
              ("zero", "zero", lambda: np.zeros(8)), ("forget", "one for the forget gate, else zero", lambda: forget),
              ("drawn", "drawn at random", lambda: np.full(8, 2.0)),
              prepare=lambda given: given if set(given) <= {0.0, 1.0} else np.full(8, 2.0)),
        layer("embedding.start", "Embedding of 1,000: initial weights", {"do": "start", "layer": "embedding"},
              ("small", "within 0.05 of zero", lambda: [0.0]), ("wide", "up to 3 and more from zero", lambda: [2.0]),
              ("between", "beyond 0.05, within 3", lambda: [1.0]),
              prepare=lambda given: [float((np.abs(given).max() > np.array([0.05, 3.0])).sum())]),
    ]  # fmt: skip


def _glorot(fan_in: int, fan_out: int) -> float:
    return float(np.sqrt(6 / (fan_in + fan_out)))


def _spread(given: Array, limits: tuple[float, ...], deviation: float) -> ArrayLike:
    """Return a number for the distribution.

    1 or more: uniform, with the limit of that number; 0: orthogonal; -1: normal with this deviation; -2: none of
    these.
    """
    most, spread, apart = given
    if apart < 1e-4:
        return [0.0]
    for place, limit in enumerate(limits, 1):
        if 0.98 * limit < most <= limit * (1 + 1e-5) and abs(spread * np.sqrt(3) / limit - 1) < 0.03:
            return [float(place)]
    return [-1.0 if most > 2 * spread * (1 - 1e-2) and abs(spread / deviation - 1) < 0.03 else -2.0]


def _kernels() -> list[Behaviour]:
    """Return the distributions of kernels.

    The largest of many thousand numbers shows the limit of a uniform distribution.
    """
    sizes = {"dense": (100, 300, 100.0), "convolution": (180, 360, 180.0), "lstm": (20, 200, 50.0),
             "recurrent": (50, 200, 50.0)}  # fmt: skip
    titles = {"dense": "Dense: initial kernel", "convolution": "Convolution: initial kernel",
              "lstm": "LSTM: initial kernel", "recurrent": "LSTM: initial recurrent kernel"}  # fmt: skip
    fans = {"lstm": "units", "recurrent": "units"}
    found = []
    for name, (fan_in, fan_out, divisor) in sizes.items():
        limits = _glorot(fan_in, fan_out), 1 / float(np.sqrt(divisor))
        found.append(
            layer(f"{name}.kernel", f"{titles[name]} is drawn", {"do": "spread", "layer": name},
                  ("orthogonal", "orthogonal", lambda: [0.0]),
                  ("glorot", "uniform up to sqrt(6 / (fan in + fan out))", lambda: [1.0]),
                  ("fan in", f"uniform up to 1 / sqrt({fans.get(name, 'fan in')})", lambda: [2.0]),
                  ("lecun", "normal, cut, of deviation 1 / sqrt(fan in)", lambda: [-1.0]),
                  prepare=partial(_spread, limits=limits, deviation=1 / float(np.sqrt(fan_in))), pick=1)
        )  # fmt: skip
    return found


def _biases() -> list[Behaviour]:
    return [
        layer("lstm.biases", "LSTM: biases of a gate, and how far they move in a step", {"do": "bias_step"},
              ("one", "one, which moves as far as its gradient", lambda: [1.0]),
              ("two", "two that are added, which together move twice as far", lambda: [2.0])),
    ]  # fmt: skip


SAMPLES, BATCH_SIZE = 2.0 ** np.arange(9), 4  # powers of two: the mean of a batch tells its samples


def _sizes(means: Array) -> list[int] | None:
    """Return how many samples each batch holds, from the mean of its samples; None if a mean fits no samples."""
    found = []
    for mean in means:
        sizes = [size for size in range(1, BATCH_SIZE + 1) if bin(round(mean * size)).count("1") == size
                 and abs(mean * size - round(mean * size)) < 1e-3]  # fmt: skip
        found += sizes[-1:]
    return found if len(found) == len(means) else None


def _order(given: Array) -> ArrayLike:
    """Return 0 for the given order, 1 for a different order, and 2 for an order that is not known."""
    firsts = [SAMPLES[place : place + BATCH_SIZE].mean() for place in range(0, len(SAMPLES), BATCH_SIZE)]
    if _sizes(given) is None:
        return [2.0]
    return [0.0 if np.allclose(given, firsts[: len(given)]) else 1.0]


def _last(given: Array) -> ArrayLike:
    """Return how many of the nine samples the batches hold. Each batch is given as the mean of its samples."""
    sizes = _sizes(given)
    return [float(np.dot(sizes, given))] if sizes else [-1.0]


def _epoch() -> list[Behaviour]:
    ask = {"do": "epoch", "samples": SAMPLES, "batch": BATCH_SIZE}
    return [
        layer("epoch.order", "An epoch of fit, or of DataLoader: samples are", ask,
              ("kept", "taken in their order", lambda: [0.0]), ("shuffled", "shuffled", lambda: [1.0]),
              prepare=_order, pick=0),
        layer("epoch.last", "An epoch of 9 samples in batches of 4: the last batch (one sample)", ask,
              ("own", "is kept; its loss is that of its one sample", lambda: [SAMPLES.sum()]),
              ("dropped", "is dropped", lambda: [SAMPLES[:8].sum()]), prepare=_last),
    ]  # fmt: skip


BEHAVIOURS = (*_start(), *_kernels(), *_biases(), *_epoch())
