"""Layers whose outputs diverge: finds the activation, padding, pooling or dropout that gives each side's output.

The input of a layer may be the batch or the output of an earlier layer, in A's order of axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from samebits_parity import activations
from samebits_parity.train import pairs
from samebits_parity.train.layers import OutputPair
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import Array, relative
from samebits_parity.train.verdict import Account, PointComparison, TrainVerdict, layer_of, number, sides
from samebits_parity.weights import rules


class LayerInputs(NamedTuple):
    """`a`, `b`: the outputs of the two sides. `inputs`: what may have gone in, the latest first."""

    pair: OutputPair
    a: Array
    b: Array
    inputs: list[Array]
    weights: list[tuple[WeightPair, Array]]


def given(judged: TrainVerdict, first: PointComparison) -> LayerInputs | None:
    """Return the layers that diverge; None if they are not a pair."""
    place = next((n for n, pair in enumerate(judged.layer_pairs) if pair.a == first.name), None)
    if place is None:
        return None
    pair = judged.layer_pairs[place]
    earlier = [one.outputs(judged.a, judged.b, first.step)[0] for one in judged.layer_pairs[:place]]
    # a layer that only B has: A has its activation inside a layer
    names = list(judged.b.outputs)
    between = [judged.b.output(first.step, name) for name in names[: names.index(pair.b)][-1:]]
    if judged.a.is_keras != judged.b.is_keras:
        between = [np.moveaxis(one, *((1, -1) if judged.a.is_keras else (-1, 1))) if one.ndim > 2 else one
                   for one in between]  # fmt: skip
    fed = [one.a for one in pairs.batch_inputs(judged.a, judged.b, first.step) if not one.a_name.startswith("labels")]
    owned = judged.a.layers.get(pair.a, {}).get("weights", [])
    weights = [(one, judged.before(one, first.step)[0]) for one in judged.pairs if one.a in owned]
    return LayerInputs(pair, *pair.outputs(judged.a, judged.b, first.step), [*between, *earlier[::-1], *fed], weights)


def weight(found: LayerInputs, *words: str) -> Array | None:
    """Return the layer's weight that has one of these names."""
    for pair, value in found.weights:
        if pair.a.removeprefix(layer_of(pair.a)).strip("./") in words:
            return value
    return None


def setting(judged: TrainVerdict, found: LayerInputs, *names: str) -> list[object]:
    """Return a setting of the layer on each side, under any of its names; None if it is not known."""
    sides = ((judged.a, found.pair.a), (judged.b, found.pair.b))
    settings = [side.layers.get(name, {}).get("settings", {}) for side, name in sides]
    return [next((one[name] for name in names if name in one), None) for one in settings]


_NEAR = 2e-5
_NONE = "no activation"


class Form(NamedTuple):
    """How an output is made: a function of the input before the layer, the layer's padding, a function after it."""

    before: str
    padding: str
    after: str


def reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """Return the reason, if forms are found that give the outputs of both sides."""
    found = given(judged, first)
    if found is None:
        return []
    if found.a.shape != found.b.shape:
        shapes = [str(tuple(one.shape)) for one in (found.a, found.b)]
        return [Account("shape", sides("the shape of the layer's output", *shapes), (first.name,))]
    for explained in (_dropout, _activation, _linear, _pooling):
        if (reason := explained(judged, found)) is not None:
            return [reason]
    return []


def _dropout(judged: TrainVerdict, found: LayerInputs) -> Account | None:
    shares = [_dropped(output, found.inputs) for output in (found.a, found.b)]
    if shares == [0, 0] or (shares[0] and shares[1] and shares[0] == shares[1] > 0.999):
        return None
    if max(shares) == 0:
        return None
    rates = setting(judged, found, "rate", "p")
    if all(isinstance(rate, float) for rate in rates):
        both = f" (rates {number(rates[0])} and {number(rates[1])})"  # type: ignore[arg-type]
        return Account("dropout", f"dropout: each library draws its own{both}", (found.pair.a,))
    said = [f"{share * 100:.0f} % of the values dropped" if share else "none dropped" for share in shares]
    return Account("dropout", sides("dropout", *said), (found.pair.a,))


def _dropped(output: Array, inputs: list[Array]) -> float:
    """Return the share of values that became zero, if all others are the input times one number; otherwise 0."""
    for x in inputs:
        if x.shape != output.shape:
            continue
        kept = (output != 0) & (x != 0)
        gone = (output == 0) & (x != 0)
        if gone.any() and kept.any():
            ratio = output[kept] / x[kept]
            if np.ptp(ratio) <= 1e-4 * abs(float(ratio.mean())) and ratio.mean() > 1:
                return float(gone.sum() / (x != 0).sum())
    return 0.0


def _activation(judged: TrainVerdict, found: LayerInputs) -> Account | None:
    del judged
    for x in found.inputs:
        if x.shape == found.a.shape:
            named = [_function(x, output) for output in (found.a, found.b)]
            if named[0] and named[1] and named[0] != named[1]:
                return Account("activation", sides("the activation", *named), (found.pair.a,))
    return None


def _function(x: Array, output: Array) -> str:
    """Return the name of the function that turns an input into an output, or an empty text."""
    if relative(x, output) <= _NEAR:
        return _NONE
    for name in activations.ACTIVATIONS:
        if relative(activations.applied(name, x), output) <= _NEAR:
            return name
    below = x < 0
    if below.any() and relative(np.where(below, 0, x), np.where(below, 0, output)) <= _NEAR:
        slopes = output[below] / x[below]
        if np.ptp(slopes) <= 1e-3 * abs(float(slopes.mean())):
            return f"leaky_relu with a slope of {number(float(slopes.mean()))}"
    return ""


def _linear(judged: TrainVerdict, found: LayerInputs) -> Account | None:
    """Return a dense layer or convolution, with what was applied before and after it (a function is not a layer)."""
    kernel = next((value for _, value in found.weights if value.ndim > 1), None)
    if kernel is None or kernel.ndim not in (2, 4):
        return None
    bias = next((value for _, value in found.weights if value.ndim == 1), np.zeros(1))
    if not judged.a.is_keras:
        kernel = (rules.DENSE if kernel.ndim == 2 else rules.CONVOLUTION).to_keras(kernel)
    outputs = [_channels_last(one[:1], judged) for one in (found.a, found.b)]
    fits = [x for x in found.inputs if x.ndim == kernel.ndim]
    given = [_channels_last(x[:1], judged) for x in fits]
    made = [_first_form(given, kernel, bias, output) for output in outputs]
    if made[0] is None or made[1] is None:
        return None
    (at_a, form_a), (at_b, form_b) = made[0], made[1]
    for side, at in (("A", at_a), ("B", at_b)):
        if _dropped(fits[at], [x for place, x in enumerate(fits) if place != at]):
            return Account("dropout", f"dropout: {side} drops values of this layer's input", (found.pair.a,))
    return _of_forms(form_a, form_b, found.pair.a) if form_a != form_b else None


def _first_form(inputs: list[Array], kernel: Array, bias: Array, output: Array) -> tuple[int, Form] | None:
    """Return the first input from which a form of the layer gives the output: (its place, the form)."""
    for place, x in enumerate(inputs):
        form = _form(x, kernel, bias, output) if x.shape[-1] == kernel.shape[-2] else None
        if form is not None:
            return place, form
    return None


def _channels_last(value: Array, judged: TrainVerdict) -> Array:
    return value if judged.a.is_keras or value.ndim < 3 else np.moveaxis(value, 1, -1)


def _form(x: Array, kernel: Array, bias: Array, output: Array) -> Form | None:
    befores = [_NONE, *(name for name in activations.ACTIVATIONS if "axis" not in name)]
    for before in befores:
        given = x if before == _NONE else activations.applied(before, x)
        for padding, made in _made(given, kernel, output.shape):
            after = _function(made + bias, output)
            if after:
                return Form(before, padding, after)
    return None


def _made(x: Array, kernel: Array, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    if kernel.ndim == 2:
        yield "none", x @ kernel
        return
    for padding, patches in every(x, kernel.shape[:2], shape[1:3]):
        yield padding, np.einsum("hwabc,abcd->hwd", patches, kernel)[None]


def _of_forms(a: Form, b: Form, name: str) -> Account | None:
    if a.padding != b.padding:
        return Account("padding", sides("padding", a.padding, b.padding), (name,))
    if a.after != b.after:
        return Account("activation", sides("the activation", a.after, b.after), (name,))
    return Account("activation", sides("the activation before this layer", a.before, b.before), (name,))


def _pooling(judged: TrainVerdict, found: LayerInputs) -> Account | None:
    outputs = [_channels_last(one[:1], judged) for one in (found.a, found.b)]
    size = next((one for one in setting(judged, found, "pool_size", "kernel_size") if one), None)
    if outputs[0].ndim != 4 or size is None:
        return None
    sizes = (size, size) if isinstance(size, int) else tuple(size)  # type: ignore[arg-type]
    for x in found.inputs:
        x = _channels_last(x[:1], judged)
        if x.ndim == 4 and x.shape[-1] == outputs[0].shape[-1]:
            named = [_pooled(x, sizes, output) for output in outputs]
            if named[0] and named[1] and named[0] != named[1]:
                return Account("pooling", sides("pooling", *named), (found.pair.a,))
    return None


def _pooled(x: Array, sizes: tuple[int, ...], output: Array) -> str:
    for padding, patches in every(x, sizes[:2], output.shape[1:3], np.nan):
        there = ~np.isnan(patches)
        with np.errstate(all="ignore"):
            made = {
                "the largest": np.where(there, patches, -np.inf).max((2, 3)),
                "the mean": np.nan_to_num(patches).sum((2, 3)) / there.sum((2, 3)),
                "the mean, padded zeros counted": np.nan_to_num(patches).mean((2, 3)),
            }
        for name, value in made.items():
            if relative(value[None], output) <= _NEAR:
                return f"{name}, padding {padding}"
    return ""


# The windows of a convolution or a pooling, for every padding that libraries have.

_STRIDES = (1, 2, 3, 4)


def every(
    x: Array, size: tuple[int, ...], shape: tuple[int, ...], fill: float | None = None
) -> Iterator[tuple[str, Array]]:
    """Yield (padding in words, windows) of one sample (1, h, w, c), for each padding that fits.

    The output must have `shape` (rows, columns). Windows are (rows, columns, height, width, channels). `fill`: the
    value of the padding; None for zeros, and for values copied from the input.
    """
    for stride in _STRIDES:
        for pads in dict.fromkeys(_paddings(x.shape[1:3], size, shape, stride)):
            for mode, padded in _padded(x[0], pads, fill):
                yield _words(pads, stride) + mode, _windows(padded, size, stride)


def _padded(x: Array, pads: tuple[tuple[int, int], ...], fill: float | None) -> Iterator[tuple[str, Array]]:
    both = (*pads, (0, 0))
    yield "", np.pad(x, both, constant_values=fill or 0.0)
    if (
        fill is None
        and any(max(one) for one in pads)
        and all(max(one) < n for one, n in zip(pads, x.shape, strict=False))
    ):
        yield ", with copies of the edge", np.pad(x, both, mode="edge")
        yield ", mirrored at the edge", np.pad(x, both, mode="reflect")
        yield ", from the other side", np.pad(x, both, mode="wrap")


def _paddings(
    given: tuple[int, ...], size: tuple[int, ...], shape: tuple[int, ...], stride: int
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield ((above, below), (left, right)).

    These are none, the most at the end (TensorFlow's same), equal, and the most at the start.
    """
    needed = [(out - 1) * stride + length - n for n, length, out in zip(given, size, shape, strict=True)]
    if all(one <= 0 for one in needed) and all(
        (n - length) // stride + 1 == out for n, length, out in zip(given, size, shape, strict=True)
    ):
        yield ((0, 0), (0, 0))
    if any(one < 0 for one in needed):
        return
    yield tuple((one // 2, one - one // 2) for one in needed)
    yield tuple((-(-one // 2), -(-one // 2)) for one in needed)
    yield tuple((one - one // 2, one // 2) for one in needed)


def _windows(padded: Array, size: tuple[int, ...], stride: int) -> Array:
    seen = np.lib.stride_tricks.sliding_window_view(padded, size, (0, 1))[::stride, ::stride]
    windows: Array = np.moveaxis(seen, 2, -1)
    return windows


def _words(pads: tuple[tuple[int, int], ...], stride: int) -> str:
    if pads == ((0, 0), (0, 0)):
        return f"none (stride {stride})"
    (above, below), (left, right) = pads
    if above == below and left == right:
        return f"{above} on every side (stride {stride})" if above == left else f"{above} and {left} (stride {stride})"
    return f"{above} above and {below} below, {left} left and {right} right (stride {stride})"
