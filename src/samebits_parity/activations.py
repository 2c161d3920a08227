"""Activation functions in every form that libraries have, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ERF = np.vectorize(math.erf, otypes=[float])


def softmax(x: Floats, axis: int = -1) -> Floats:
    """Return the shares that sum to one along an axis."""
    raised = np.exp(x - x.max(axis, keepdims=True))
    made: Floats = raised / raised.sum(axis, keepdims=True)
    return made


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)), computed by a tanh, which does not overflow."""
    made: Floats = 0.5 * (1 + np.tanh(x / 2))
    return made


def gelu(x: Floats, *, exact: bool) -> Floats:
    """Return x times the normal distribution function, or its approximation by tanh (Hendrycks and Gimpel 2016)."""
    inside = _ERF(x / math.sqrt(2)) if exact else np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    made: Floats = 0.5 * x * (1 + inside)
    return made


def _elu(x: Floats) -> Floats:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda x: np.maximum(x, 0),
    "softmax": softmax,
    "softmax over axis 1": lambda x: softmax(x, 1),
    "log_softmax": lambda x: np.log(softmax(x)),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "leaky_relu with a slope of 0.01": lambda x: np.where(x > 0, x, 0.01 * x),
    "leaky_relu with a slope of 0.2": lambda x: np.where(x > 0, x, 0.2 * x),
    "leaky_relu with a slope of 0.3": lambda x: np.where(x > 0, x, 0.3 * x),
    "gelu, exact": partial(gelu, exact=True),
    "gelu, approximated by tanh": partial(gelu, exact=False),
    "elu": _elu,
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.logaddexp(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
}
OVER_AXIS_1 = ("softmax over axis 1",)  # for arrays that have an axis 1 beside the last one


def applied(name: str, x: Floats) -> Floats:
    """Apply a function of the table to any values. What overflows becomes infinite."""
    with np.errstate(all="ignore"):
        return ACTIVATIONS[name](x)
