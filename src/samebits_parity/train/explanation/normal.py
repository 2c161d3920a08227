"""Normalization layers that diverge: the epsilon below the root, or moving averages in place of the batch's own."""

from __future__ import annotations

import numpy as np

from samebits_parity.train.distance import relative
from samebits_parity.train.explanation.layer_inputs import LayerInputs, given, setting, weight
from samebits_parity.train.explanation.reason import Account, sides
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import PointComparison, TrainVerdict

_NEAR = 2e-5


def reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """The reason, where the layer normalizes on A's side."""
    found = given(judged, first)
    kind = str(judged.a.layers.get(first.name, {}).get("type", "")).lower()
    if found is None or "norm" not in kind:
        return []
    axes = _axes(found.a, kind, a_is_keras=judged.a.is_keras)
    for x in found.inputs:
        if x.shape == found.a.shape and (said := _of_input(judged, found, x, axes)) is not None:
            return [said]
    return []


def _axes(output: Array, kind: str, *, a_is_keras: bool) -> tuple[int, ...]:
    """What the mean is taken over: all but the channels, or each sample's last axis."""
    if "layer" in kind:
        return (output.ndim - 1,)
    channels = output.ndim - 1 if a_is_keras or output.ndim == 2 else 1
    return tuple(axis for axis in range(output.ndim) if axis != channels)


def _of_input(judged: TrainVerdict, found: LayerInputs, x: Array, axes: tuple[int, ...]) -> Account | None:
    scaled = [_unscaled(found, output, axes) for output in (found.a, found.b)]
    epsilons = [_epsilon(x, z, axes) for z in scaled]
    if None not in epsilons:
        told = setting(judged, found, "epsilon", "eps")
        values = [float(one) if isinstance(one, float) else float(f"{fit:.2g}")
                  for one, fit in zip(told, epsilons, strict=True) if fit is not None]  # fmt: skip
        if values[0] != values[1]:
            return Account("normalization's epsilon", sides("epsilon of the normalization", *values), (found.pair.a,))
        return None
    moving = [z is not None and epsilon is None for z, epsilon in zip(scaled, epsilons, strict=True)]
    if moving.count(True) == 1:
        side, other = ("A", "B") if moving[0] else ("B", "A")
        words = f"{side} normalizes with something else than the batch's own mean and variance, {other} with these"
        return Account("moving statistics", words + " (moving averages: evaluation mode)", (found.pair.a,))
    return None


def _unscaled(found: LayerInputs, output: Array, axes: tuple[int, ...]) -> Array:
    gamma, beta = weight(found, "gamma", "weight"), weight(found, "beta", "bias")
    shape = [1 if axis in axes else length for axis, length in enumerate(output.shape)]
    if len(axes) == 1:
        shape = [1] * (output.ndim - 1) + [output.shape[-1]]
    if beta is not None:
        output = output - beta.reshape(shape)
    return output / gamma.reshape(shape) if gamma is not None else output


def _epsilon(x: Array, z: Array, axes: tuple[int, ...]) -> float | None:
    """The epsilon with which z is x normalized; None where z is not."""
    middle = x - x.mean(axes, keepdims=True)
    variance = (middle**2).mean(axes, keepdims=True)
    with np.errstate(all="ignore"):
        slope = (z * middle).sum(axes, keepdims=True) / (middle**2).sum(axes, keepdims=True)
        epsilon = float(np.median(1 / slope**2 - variance))
        made = middle / np.sqrt(variance + epsilon)
    return epsilon if np.isfinite(epsilon) and relative(made, z) <= _NEAR else None
