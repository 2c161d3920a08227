"""The questions to layers, and what the resulting numbers can mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from samebits_parity.activations import gelu, hard_fifth, hard_sixth, softmax
from samebits_parity.defaults import behaviour
from samebits_parity.defaults.behaviour import Behaviour, Sense
from samebits_parity.defaults.hypotheses import Array
from samebits_parity.defaults.recurrent import BEHAVIOURS as RECURRENT

# What a convolution, pooling, resizing or activation may mean: each meaning is a formula on rows, in float64.


def windows(row: Array, size: int, stride: int, pads: tuple[int, int], value: float = 0.0) -> Array:
    """Return all windows (n, size) that fit into a row with `value` padded at both ends."""
    full = np.concatenate([np.full(pads[0], value), row, np.full(pads[1], value)])
    return np.lib.stride_tricks.sliding_window_view(full, size)[::stride]


def convolved(row: Array, kernel: Array, stride: int, pads: tuple[int, int]) -> Array:
    """Return the correlation, in which the kernel is not flipped."""
    value: Array = windows(row, len(kernel), stride, pads) @ kernel
    return value


def transposed(row: Array, kernel: Array, stride: int) -> Array:
    """Return a transposed convolution, whole: ((n - 1) stride + size,)."""
    whole = np.zeros((len(row) - 1) * stride + len(kernel))
    for place, value in enumerate(row):
        whole[place * stride : place * stride + len(kernel)] += value * kernel
    return whole


def averaged(row: Array, size: int, stride: int, pads: tuple[int, int], padding: str) -> Array:
    """Return the average pooling. Padding counts as `zero`, as the `edge` value beside it, or is `absent`."""
    inside = windows(row, size, stride, pads, np.nan)
    if padding == "edge":
        inside = windows(np.pad(row, pads, mode="edge"), size, stride, (0, 0))
    if padding == "zero":
        inside = np.nan_to_num(inside)
    means: Array = np.nanmean(inside, axis=1)
    return means


def nearest(row: Array) -> Array:
    """Return an array that is twice as long, with each value twice."""
    return np.repeat(row, 2)


def linear(row: Array, corners: str) -> Array:
    """Return an array that is twice as long, linear between values.

    `corners`: half (pixel centres), aligned, or start.
    """
    new = np.arange(2 * len(row), dtype=float)
    places = {
        "half": (new + 0.5) / 2 - 0.5,
        "aligned": new * (len(row) - 1) / (2 * len(row) - 1),
        "start": new / 2,
    }[corners]
    return np.interp(places, np.arange(len(row)), row)


ROW = np.array([1.0, -2.0, 3.0, 5.0, -7.0, 11.0])
BELOW = np.array([-3.0, -1.0, -4.0, -2.0, -5.0, -6.0])  # zero is larger than all of them
SHORT = np.array([1.0, -2.0, 5.0])
KERNEL = np.array([1.0, 2.0, 4.0])
BATCH = np.array([10.0, 40.0, 20.0, 90.0])
SMALL = np.array([1e-3, 4e-3, 2e-3, 9e-3])  # their variance is about as large as an epsilon
POINTS = np.array([-4.0, -2.7, -1.0, -0.3, 0.4, 1.5, 2.8])
BLOCK = np.array([[[0.1, 1.0], [2.0, -0.5]], [[1.5, 0.2], [-1.0, 0.7]]])
IMAGE = np.arange(1.0, 9.0).reshape(2, 2, 2)  # channels, height, width
SIDES = (("end", "at the end", (0, 1)), ("start", "at the start", (1, 0)))


Formula = Callable[[], ArrayLike]
Told = tuple[str, str, Formula | Sequence[Formula]]


def layer(key: str, words: str, ask: dict[str, Any], *meanings: Told,
          prepare: Callable[[Array], ArrayLike] = np.ravel, pick: int = -1) -> Behaviour:  # fmt: skip
    """Return a behaviour of a layer, with (id, words, formula or formulas) of each meaning."""
    known = tuple(Sense(name, said, (formula,) if callable(formula) else tuple(formula))
                  for name, said, formula in meanings)  # fmt: skip
    return Behaviour(id=key, group="layers", words=words, ask=_plain(ask), prepare=prepare, pick=pick, meanings=known)


def value(key: str, words: str, ask: dict[str, Any], estimate: Callable[[Array], float]) -> Behaviour:
    """Return a default of a layer, computed from numbers."""
    return Behaviour(id=key, group="layers", words=words, ask=_plain(ask), estimate=estimate)


def _plain(ask: dict[str, Any]) -> dict[str, Any]:
    return {key: item.tolist() if isinstance(item, np.ndarray) else item for key, item in ask.items()}


def _convolution() -> list[Behaviour]:
    def row(do: str, **more: Any) -> dict[str, Any]:
        return {"do": do, "row": ROW, "kernel": KERNEL, "stride": 2, **more}

    padded = [(id, f"one {words}", partial(convolved, ROW, KERNEL, 2, pads)) for id, words, pads in SIDES]
    return [
        layer("conv.kernel", "Convolution: the kernel", row("convolve", padding="valid", stride=1),
              ("kept", "is not flipped", partial(convolved, ROW, KERNEL, 1, (0, 0))),
              ("turned", "is flipped", partial(convolved, ROW, KERNEL[::-1], 1, (0, 0)))),
        layer("conv.same", "Convolution, padding 'same', 6 inputs, kernel 3, stride 2: zeros", row("convolve",
                                                                                                   padding="same"),
              *padded),
        layer("conv.half", "Convolution, stride 2 with the padding for stride 1, 6 inputs, kernel 3: zeros",
              row("convolve", padding="half"), *padded),
        *_transposed(),
    ]  # fmt: skip


def _transposed() -> list[Behaviour]:
    ask = {"do": "transpose", "row": SHORT, "kernel": KERNEL, "stride": 2}
    cuts = (
        ("2n, end cut", "2n, cut at the end", slice(0, 6)),
        ("2n, start cut", "2n, cut at the start", slice(1, 7)),
        ("2n - 1", "2n - 1, cut at both ends", slice(1, 6)),
        ("2n + 1", "2n + 1, nothing cut", slice(0, 7)),
    )
    turns = (("kept", "is added as it is", KERNEL), ("turned", "is added flipped", KERNEL[::-1]))
    rows = {
        (cut, turn): partial(np.take, transposed(SHORT, kernel, 2), np.arange(7)[part])
        for cut, _, part in cuts
        for turn, _, kernel in turns
    }
    return [
        layer("transposed.length", "Transposed convolution of n, padding 'same' or 1, kernel 3, stride 2: length", ask,
              *((cut, words, [rows[cut, turn] for turn, _, _ in turns]) for cut, words, _ in cuts)),
        layer("transposed.kernel", "Transposed convolution: the kernel", ask,
              *((turn, words, [rows[cut, turn] for cut, _, _ in cuts]) for turn, words, _ in turns)),
    ]  # fmt: skip


def _pooling() -> list[Behaviour]:
    pooled = {"do": "pool", "row": BELOW, "size": 3, "stride": 2}
    most, mean = {**pooled, "kind": "max"}, {**pooled, "kind": "average"}
    both = BELOW[:5]  # padded on both sides

    def highest(pads: tuple[int, int], padded: float) -> Formula:
        return lambda: windows(BELOW, 3, 2, pads, padded).max(1)

    pads = [places for _, _, places in SIDES]
    counted = (("zero", "counted as zeros"), ("absent", "not counted"), ("edge", "counted as the value at the edge"))
    return [
        layer("max_pool.value", "Max pooling, padding 'same' or 1: padded values are", most,
                ("nothing", "below every value", [highest(places, -np.inf) for places in pads]),
                ("zero", "zero", [highest(places, 0.0) for places in pads])),
        layer("max_pool.side", "Max pooling of 6 by 3, stride 2, padding 'same' or 1: padded", most,
                *((id, words, [highest(places, -np.inf), highest(places, 0.0)]) for id, words, places in SIDES)),
        layer("average_pool.counted", "Average pooling of 6 by 3, stride 2, padding 'same' or 1: padded values are",
                mean, *((name, words, [partial(averaged, BELOW, 3, 2, places, name) for places in pads])
                        for name, words in counted)),
        layer("average_pool.even", "Average pooling of 5 by 3 (padded on both sides): padded values are",
                {**mean, "row": both}, *((name, words, partial(averaged, both, 3, 2, (1, 1), name))
                                         for name, words in counted)),
    ]  # fmt: skip


def _running(given: Array) -> tuple[float, float]:
    """Return (share of the new batch, its variance).

    They come from the running mean, 0 before, and the running variance, 1 before.
    """
    share = given[0] / BATCH.mean()
    return float(share), float((given[1] - (1 - share)) / share)


def _normalisation() -> list[Behaviour]:
    count, spread = len(BATCH), BATCH.var()
    variances = (
        ("biased", "divided by n", spread),
        ("unbiased", "divided by n - 1", BATCH.var(ddof=1)),
        ("epsilon", "divided by n - 1 - epsilon", spread * count / (count - 1 - 1e-3)),
        ("twice", "corrected twice", BATCH.var(ddof=1) * count / (count - 1 - 1e-3)),
    )

    def batch(**more: Any) -> dict[str, Any]:
        return {"do": "batch_norm", "inputs": BATCH, "image": False, **more}

    def running(key: str, words: str, ask: dict[str, Any]) -> Behaviour:
        return layer(
            key,
            words,
            ask,
            *((name, said, partial(np.array, [variance])) for name, said, variance in variances),
            prepare=lambda given: _running(given)[1],
        )

    return [
        value("batch_norm.epsilon", "Batch norm: epsilon", batch(inputs=SMALL),
              lambda given: behaviour.variance_epsilon(given[2:], SMALL)),
        value("batch_norm.share", "Batch norm: share of a new batch in the running mean", batch(),
              lambda given: _running(given)[0]),
        layer("batch_norm.momentum", "Batch norm: momentum m is the share of", batch(momentum=0.7),
              ("old", "the running mean", lambda: [0.3]), ("new", "the new batch", lambda: [0.7]),
              prepare=lambda given: _running(given)[0], pick=0),
        running("batch_norm.variance", "Batch norm of rows: the variance that enters the running variance is", batch()),
        running("batch_norm.variance.images", "Batch norm of images: the variance that enters the running variance is",
                batch(image=True)),
        value("layer_norm.epsilon", "Layer norm: epsilon", {"do": "layer_norm", "inputs": SMALL},
              partial(behaviour.variance_epsilon, inputs=SMALL)),
        value("group_norm.epsilon", "Group norm: epsilon", {"do": "group_norm", "inputs": SMALL},
              partial(behaviour.variance_epsilon, inputs=SMALL)),
        layer("deviation", "std of a tensor: the sum of squares is", {"do": "deviation", "row": ROW},
              ("n", "divided by n", lambda: [ROW.std()]), ("n - 1", "divided by n - 1", lambda: [ROW.std(ddof=1)])),
    ]  # fmt: skip


def _activations() -> list[Behaviour]:
    def at(name: str, points: Array = POINTS) -> dict[str, Any]:
        return {"do": "activation", "name": name, "points": points}

    minus = np.array([-1.0])
    return [
        value("leaky_relu", "LeakyReLU: slope below zero", at("leaky_relu", minus), lambda given: -float(given[0])),
        value("prelu", "PReLU: initial slope below zero", at("prelu", minus), lambda given: abs(float(given[0]))),
        value("elu", "ELU: alpha", at("elu", minus), lambda given: float(given[0] / np.expm1(-1))),
        layer("gelu", "GELU: computed", at("gelu"), ("exact", "exactly (erf)", partial(gelu, POINTS, exact=True)),
              ("tanh", "by tanh", partial(gelu, POINTS, exact=False)), pick=2),
        layer("hard_sigmoid", "Hard sigmoid", at("hard_sigmoid"), ("fifth", "clip(0.2 x + 0.5)",
              partial(hard_fifth, POINTS)), ("sixth", "clip(x / 6 + 0.5)", partial(hard_sixth, POINTS)), pick=2),
        layer("softmax", "Softmax of three axes, no axis given: over", at("softmax", BLOCK),
              ("last", "the last axis", lambda: softmax(BLOCK)),
              ("first", "the first axis", lambda: softmax(BLOCK, 0)),
              ("middle", "the middle axis", lambda: softmax(BLOCK, 1))),
    ]  # fmt: skip


def _others() -> list[Behaviour]:
    ends = (
        ("half", "half pixels", "half"),
        ("aligned", "aligned corners", "aligned"),
        ("start", "pixels' starts", "start"),
    )
    return [
        layer("dropout", "Dropout of p = 0.25: a kept 1 becomes (in training, in evaluation)",
              {"do": "dropout", "count": 256, "share": 0.25},
              ("inverted", "1 / (1 - p), 1", lambda: [1 / 0.75, 1.0]), ("plain", "1, 1 - p", lambda: [1.0, 0.75]),
              ("kept", "1 / p, 1", lambda: [4.0, 1.0]), pick=0),
        layer("flatten", "Flatten of an image in the library's own layout: the fastest axis is", {"do": "flatten",
                                                                                         "image": IMAGE},
              ("channels", "the channel", lambda: IMAGE.transpose(1, 2, 0)), ("width", "the column", lambda: IMAGE),
              pick=1),
        layer("upsample.nearest", "Upsampling by 2, nearest", {"do": "upsample", "row": ROW, "kind": "nearest"},
              ("repeats", "each value twice", partial(nearest, ROW))),
        layer("upsample.linear", "Upsampling by 2, bilinear: coordinates are", {"do": "upsample", "row": ROW,
                                                                        "kind": "bilinear"},
              *((id, words, partial(linear, ROW, corners)) for id, words, corners in ends), pick=1),
    ]  # fmt: skip


BEHAVIOURS = (
    *_convolution(), *_pooling(), *_normalisation(), *_activations(), *RECURRENT, *_others(),
)  # fmt: skip
