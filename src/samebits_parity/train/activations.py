"""Functions between a layer and the next, under every form in which libraries have them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits_parity.defaults import hypotheses
from samebits_parity.train.values import Array

Floats = NDArray[np.float64]
_ERF = np.vectorize(math.erf, otypes=[float])


def _softmax(x: Floats, axis: int) -> Floats:
    raised = np.exp(x - x.max(axis, keepdims=True))
    made: Floats = raised / raised.sum(axis, keepdims=True)
    return made


def _sigmoid(x: Floats) -> Floats:
    made: Floats = 0.5 * (1 + np.tanh(x / 2))
    return made


def _elu(x: Floats) -> Floats:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda x: np.maximum(x, 0),
    "softmax": lambda x: _softmax(x, -1),
    "softmax over axis 1": lambda x: _softmax(x, 1),
    "log_softmax": lambda x: np.log(_softmax(x, -1)),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "leaky_relu with a slope of 0.01": lambda x: np.where(x > 0, x, 0.01 * x),
    "leaky_relu with a slope of 0.2": lambda x: np.where(x > 0, x, 0.2 * x),
    "leaky_relu with a slope of 0.3": lambda x: np.where(x > 0, x, 0.3 * x),
    "gelu, exact": lambda x: 0.5 * x * (1 + _ERF(x / np.sqrt(2))),
    "gelu, approximated by tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "elu": _elu,
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x: np.logaddexp(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_sigmoid as x / 6 + 0.5": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_sigmoid as 0.2 x + 0.5": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
}


OVER_AXIS_1 = ("softmax over axis 1",)  # of what has an axis 1 beside the last one


def applied(name: str, x: Floats) -> Floats:
    """A function of the table, of any values: what overflows becomes infinite."""
    with np.errstate(all="ignore"):
        return ACTIVATIONS[name](x)


# Clipping that an optimizer does itself, after its gradients were seen (Keras' clipnorm and its like).


class Clip(NamedTuple):
    """`over`: the norm of each tensor, the norm of all of them, or each value; `most`: what it is clipped to."""

    over: Literal["tensor", "all", "value"]
    most: float

    def applied(self, gradients: dict[str, Array], name: str) -> Array:
        """One of these gradients, clipped."""
        if self.over == "value":
            return hypotheses.clip_value([gradients[name]], self.most)[0]
        if self.over == "tensor":
            return hypotheses.clip_norm([gradients[name]], self.most, over="tensor")[0]
        return hypotheses.clip_norm(list(gradients.values()), self.most, over="all")[list(gradients).index(name)]


def of(facts: dict[str, Any] | None) -> Clip | None:
    """What an optimizer is set to clip; None where it clips nothing, or tells nothing."""
    known: dict[str, Literal["tensor", "all", "value"]]
    known = {"clipnorm": "tensor", "global_clipnorm": "all", "clipvalue": "value"}
    for group in facts["groups"] if facts else ():
        for name, over in known.items():
            if isinstance(group.get(name), (int, float)):
                return Clip(over, float(group[name]))
    return None
