"""How the arrays of a layer go from Keras' order of axes to PyTorch's, and back.

Each direction is the inverse of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONVOLUTION", "DENSE", "TRANSPOSED", "Array", "ArrayRule", "dense_after_flatten", "with_kernel"]

Array = NDArray[Any]
Arrays = dict[str, Array]  # by role: the purpose of an array in its layer
REVERSE = "_reverse"  # the end of a role in the direction from the last step to the first


class ArrayRule(NamedTuple):
    """One array: the same numbers in the order of either library."""

    to_pytorch: Callable[[Array], Array]
    to_keras: Callable[[Array], Array]


class LayerRule(NamedTuple):
    """The arrays of one layer, by their roles in either library.

    A rule makes no array for a role that it is not given.
    """

    to_pytorch: Callable[[Arrays], Arrays]
    to_keras: Callable[[Arrays], Arrays]


SAME = ArrayRule(lambda array: array, lambda array: array)
# (height, width, in, out) of Keras, (out, in, height, width) of PyTorch; in one and three dimensions too
CONVOLUTION = ArrayRule(
    lambda kernel: kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2)),
    lambda kernel: kernel.transpose(*range(2, kernel.ndim), 1, 0),
)
# (height, width, out, in) of Keras, (in, out, height, width) of PyTorch
TRANSPOSED = CONVOLUTION
# (in, out) of Keras, (out, in) of PyTorch
DENSE = ArrayRule(lambda kernel: kernel.T, lambda kernel: kernel.T)


def flattened(*shape: int) -> ArrayRule:
    """Return the rule for an array whose last axis holds a flattened tensor: (height, width, channels) in Keras.

    In PyTorch it is (channels, height, width).
    """
    order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), -1, 0).ravel()
    back = np.argsort(order)
    return ArrayRule(lambda array: array[..., order], lambda array: array[..., back])


def dense_after_flatten(*shape: int) -> ArrayRule:
    """Return a rule like `DENSE` for a layer behind a flattened tensor, whose rows have its order."""
    rows = flattened(*shape)
    return ArrayRule(lambda kernel: rows.to_pytorch(kernel.T), lambda kernel: rows.to_keras(kernel).T)


def dense_before_reshape(*shape: int) -> ArrayRule:
    """Return a rule like `DENSE` for a layer whose output is reshaped, so that its columns have this order."""
    columns = flattened(*shape)
    return ArrayRule(lambda kernel: columns.to_pytorch(kernel).T, lambda kernel: columns.to_keras(kernel.T))


def depthwise(inputs: int) -> ArrayRule:
    """Return the rule of a depthwise kernel.

    It is (height, width, in, multiplier) in Keras, and (in * multiplier, 1, height, width) in PyTorch with `in`
    groups.
    """

    def to_pytorch(kernel: Array) -> Array:
        moved = kernel.transpose(kernel.ndim - 2, kernel.ndim - 1, *range(kernel.ndim - 2))
        made: Array = moved.reshape(-1, 1, *kernel.shape[:-2])
        return made

    def to_keras(kernel: Array) -> Array:
        apart = kernel.reshape(inputs, -1, *kernel.shape[2:])
        made: Array = apart.transpose(*range(2, kernel.ndim), 0, 1)
        return made

    return ArrayRule(to_pytorch, to_keras)


def by_role(**roles: tuple[str, ArrayRule]) -> LayerRule:
    """Return the rule of a layer whose arrays are converted one by one.

    `roles`: Keras' role = (PyTorch's role, rule).
    """

    def to_pytorch(arrays: Arrays) -> Arrays:
        return {name: rule.to_pytorch(arrays[role]) for role, (name, rule) in roles.items() if role in arrays}

    def to_keras(arrays: Arrays) -> Arrays:
        return {role: rule.to_keras(arrays[name]) for role, (name, rule) in roles.items() if name in arrays}

    return LayerRule(to_pytorch, to_keras)


def with_kernel(rule: ArrayRule, bias: ArrayRule = SAME) -> LayerRule:
    """Return the rule of a kernel and a bias."""
    return by_role(kernel=("weight", rule), bias=("bias", bias))


def scaled(rule: ArrayRule = SAME) -> LayerRule:
    """Return the rule of a normalization: scale and offset, and moving averages if it keeps them."""
    return by_role(
        gamma=("weight", rule), beta=("bias", rule), mean=("running_mean", rule), variance=("running_var", rule)
    )


def parametric(channels: int, rank: int) -> LayerRule:
    """Return the rule of PReLU: (1, 1, channels) of Keras with shared axes, (channels,) of PyTorch.

    `rank`: of Keras' array.
    """
    shape = (*[1] * (rank - 1), channels)
    return by_role(alpha=("weight", ArrayRule(lambda alpha: alpha.reshape(-1), lambda alpha: alpha.reshape(shape))))


def _gates_swapped(array: Array) -> Array:
    """Return the array with the first two gates swapped.

    Keras' GRU has update, reset, new along its last axis; PyTorch's has reset, update, new.
    """
    update, reset, new = np.split(array, 3, axis=-1)
    return np.concatenate([reset, update, new], axis=-1)


def _summed(first: Array, second: Array) -> Array:
    """Return the sum of PyTorch's two biases, because Keras has one.

    If the second is zero, the first keeps its bits.
    """
    added: Array = np.add(first, second, out=first.copy(), where=second != 0)
    return added


def _recurrent_to_pytorch(arrays: Arrays) -> Arrays:
    made = {"weight_ih": arrays["kernel"].T, "weight_hh": arrays["recurrent"].T}
    if "bias" in arrays:
        rows = arrays["bias"] if arrays["bias"].ndim > 1 else (arrays["bias"], np.zeros_like(arrays["bias"]))
        made["bias_ih"], made["bias_hh"] = rows
    return made


def _recurrent_to_keras(arrays: Arrays, joined: Callable[[Array, Array], Array] = _summed) -> Arrays:
    made = {"kernel": arrays["weight_ih"].T, "recurrent": arrays["weight_hh"].T}
    return {**made, "bias": joined(arrays["bias_ih"], arrays["bias_hh"])} if "bias_ih" in arrays else made


def _gru_to_pytorch(arrays: Arrays) -> Arrays:
    return _recurrent_to_pytorch({role: _gates_swapped(array) for role, array in arrays.items()})


def _gru_to_keras(arrays: Arrays) -> Arrays:
    made = _recurrent_to_keras(arrays, lambda *rows: np.stack(rows))
    return {role: _gates_swapped(array) for role, array in made.items()}


# gates in the order input, forget, new, output in both; one bias in Keras, two that are added in PyTorch
LSTM = LayerRule(_recurrent_to_pytorch, _recurrent_to_keras)
SIMPLE_RECURRENT = LSTM
# Keras' reset_after=True, with a bias of two rows: for the input, for the state
GRU = LayerRule(_gru_to_pytorch, _gru_to_keras)


def bidirectional(rule: LayerRule) -> LayerRule:
    """Return the same rule for both directions. Roles of the second direction end with `REVERSE`."""

    def both(convert: Callable[[Arrays], Arrays]) -> Callable[[Arrays], Arrays]:
        def apply(arrays: Arrays) -> Arrays:
            forward = {role: array for role, array in arrays.items() if not role.endswith(REVERSE)}
            back = {role.removesuffix(REVERSE): array for role, array in arrays.items() if role.endswith(REVERSE)}
            return {**convert(forward), **{role + REVERSE: array for role, array in convert(back).items()}}

        return apply

    return LayerRule(both(rule.to_pytorch), both(rule.to_keras))


PROJECTIONS = ("query", "key", "value")


def attention(heads: int) -> LayerRule:
    """Return the rule of attention: Keras has (model, heads, key) for each projection, PyTorch (3 * model, model)."""

    def to_pytorch(arrays: Arrays) -> Arrays:
        kernels = [arrays[f"{name}_kernel"] for name in PROJECTIONS]
        output = arrays["output_kernel"]
        made = {
            "in_proj_weight": np.concatenate([kernel.reshape(len(kernel), -1).T for kernel in kernels]),
            "out_proj.weight": output.reshape(-1, output.shape[-1]).T,
        }
        if "output_bias" in arrays:
            biases = [arrays[f"{name}_bias"].reshape(-1) for name in PROJECTIONS]
            made |= {"in_proj_bias": np.concatenate(biases), "out_proj.bias": arrays["output_bias"]}
        return made

    def to_keras(arrays: Arrays) -> Arrays:
        parts = np.split(arrays["in_proj_weight"], 3)
        made = {
            f"{name}_kernel": part.T.reshape(part.shape[1], heads, -1)
            for name, part in zip(PROJECTIONS, parts, strict=True)
        }
        output = arrays["out_proj.weight"].T
        made["output_kernel"] = output.reshape(heads, -1, output.shape[-1])
        if "in_proj_bias" in arrays:
            biases = np.split(arrays["in_proj_bias"], 3)
            made |= {f"{name}_bias": bias.reshape(heads, -1) for name, bias in zip(PROJECTIONS, biases, strict=True)}
            made["output_bias"] = arrays["out_proj.bias"]
        return made

    return LayerRule(to_pytorch, to_keras)
