"""Finds the rule that carries the weights of a Keras layer to a PyTorch layer, and says whether their shapes fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from samebits_parity.weights import rules
from samebits_parity.weights.models import Layer, ModelFacts
from samebits_parity.weights.rules import REVERSE, Array, Arrays, LayerRule

Shapes = dict[str, tuple[int, ...]]
# the values of an array that a library does not have: no offset, no scale
NEUTRAL = {
    "bias": 0, "beta": 0, "mean": 0, "variance": 1, "gamma": 1, "running_mean": 0, "running_var": 1, "bias_ih": 0,
    "bias_hh": 0, "in_proj_bias": 0, "out_proj.bias": 0, "query_bias": 0, "key_bias": 0, "value_bias": 0,
    "output_bias": 0,
}  # fmt: skip
NORMALIZATIONS = ("batch_norm", "layer_norm", "group_norm")
UNKNOWN_DTYPES = ("bfloat16",)  # numpy has none


@dataclass(frozen=True)
class LayerPart:
    """A layer, or one of the two parts of a separable convolution.

    `flat`: the shape (height, width, channels) before its input was flattened; `folded`: the shape into which its
    output is brought. Both are Keras'; None if there is none.
    """

    layer: Layer
    roles: dict[str, int]
    kind: str
    name: str
    flat: tuple[int, ...] | None = None
    folded: tuple[int, ...] | None = None

    def shapes(self, model: ModelFacts) -> Shapes:
        return {role: model.weights[number].shape for role, number in self.roles.items()}


def parts_of(model: ModelFacts) -> list[LayerPart]:
    """Return the layers to pair: those with weights, in the order in which they run.

    Layers that can have no counterpart are left out.
    """
    return [part for layer in model.weighted() if not reason(layer, model) for part in _parts(layer)]


def reason(layer: Layer, model: ModelFacts) -> str:
    """Return why the weights of a layer cannot be carried; empty if they can."""
    weights = [model.weights[number] for number in layer.roles.values()]
    for weight in weights:
        what = "complex" if weight.dtype.startswith("complex") else "whole-number"
        if what == "complex" or "int" in weight.dtype or weight.dtype == "bool":
            return f"its {weight.name} holds {what} weights ({weight.dtype}); only floating-point layers are carried"
        if weight.dtype in UNKNOWN_DTYPES:
            return f"its {weight.name} is of {weight.dtype}, which numpy does not have"
        if 0 in weight.shape:
            return f"its {weight.name} is empty: its shape is {weight.shape}"
    return layer.refused


def _parts(layer: Layer) -> list[LayerPart]:
    if layer.kind != "separable":
        return [LayerPart(layer, layer.roles, layer.kind, layer.name)]
    first = {role: number for role, number in layer.roles.items() if role == "kernel"}
    second = {"kernel" if role == "pointwise" else role: n for role, n in layer.roles.items() if role != "kernel"}
    inner = replace(layer, has_output=False)
    plain = {"size": 1, "strides": 1, "dilation": 1, "padding": 0, "groups": 1}
    outer = replace(layer, settings={**layer.settings, **plain})
    return [
        LayerPart(inner, first, "depthwise", f"{layer.name} (depthwise)"),
        LayerPart(outer, second, "convolution", f"{layer.name} (pointwise)"),
    ]


def in_order(parts: list[LayerPart], model: ModelFacts) -> list[LayerPart]:
    """Return the parts of a Keras model.

    They have the shapes that were flattened before a layer, or that its output gets.
    """
    by_number = {part.layer.number: part for part in parts}
    flat: tuple[int, ...] | None = None
    for layer in model.layers:
        shape = tuple(size for size in layer.input_shape or () if size)
        if layer.kind == "flatten" and len(shape) > 1 and not layer.channels_first:
            flat = shape
        part = by_number.get(layer.number)
        if part and flat and _size_in(part, model) == math.prod(flat):
            by_number[layer.number] = replace(part, flat=flat)
        if part and part.kind == "dense":
            flat = None
        if layer.kind == "reshape":
            _fold(by_number, layer, model)
    return [by_number[part.layer.number] if part.kind != "depthwise" else part for part in parts]


def _size_in(part: LayerPart, model: ModelFacts) -> int:
    """Return how many numbers a layer takes along the last axis; 0 if that is not known."""
    shapes = part.shapes(model)
    if part.kind == "dense" and len(shapes.get("kernel", ())) == 2:
        return shapes["kernel"][0]
    return next(iter(shapes.values()))[0] if part.kind in NORMALIZATIONS and shapes else 0


def _fold(parts: dict[int, LayerPart], reshape: Layer, model: ModelFacts) -> None:
    """Mark the dense layer before a Reshape to a tensor with channels last, and normalizations between the two."""
    shape = tuple(size for size in reshape.output_shape or () if size)
    if len(shape) < 2:
        return
    for number in sorted((n for n in parts if n < reshape.number), reverse=True):
        part = parts[number]
        shapes = part.shapes(model)
        out = shapes["kernel"][-1] if part.kind == "dense" else _size_in(part, model)
        if out != math.prod(shape):
            return
        parts[number] = replace(part, folded=shape)
        if part.kind == "dense":
            return


def rule_for(keras: LayerPart, pytorch: LayerPart, models: tuple[ModelFacts, ModelFacts]) -> LayerRule | None:
    """Return the rule between two layers of kinds that belong together. `models`: Keras', PyTorch's."""
    make = RULES.get((keras.kind, pytorch.kind))
    if make is None or keras.layer.both_directions != pytorch.layer.both_directions:
        return None
    shapes = keras.shapes(models[0])
    if not shapes.keys() & {"kernel", "gamma", "beta", "weight", "alpha", "query_kernel"}:
        return None
    if pytorch.kind == "transposed" and pytorch.layer.groups != 1:
        return None  # Keras' transposed convolutions have no groups
    rule = make(keras, shapes)
    return rules.bidirectional(rule) if keras.layer.both_directions else rule


def _dense(part: LayerPart, shapes: Shapes) -> LayerRule:
    if part.folded:
        return rules.with_kernel(rules.dense_before_reshape(*part.folded), rules.flattened(*part.folded))
    return rules.with_kernel(rules.dense_after_flatten(*part.flat) if part.flat else rules.DENSE)


def _scaled(part: LayerPart, shapes: Shapes) -> LayerRule:
    shape = part.folded or part.flat
    return rules.scaled(rules.flattened(*shape) if shape else rules.SAME)


RULES: dict[tuple[str, str], Callable[[LayerPart, Shapes], LayerRule]] = {
    ("dense", "dense"): _dense,
    ("convolution", "convolution"): lambda part, shapes: rules.with_kernel(rules.CONVOLUTION),
    ("depthwise", "convolution"): lambda part, shapes: rules.with_kernel(rules.depthwise(shapes["kernel"][-2])),
    ("transposed", "transposed"): lambda part, shapes: rules.with_kernel(rules.TRANSPOSED),
    **{(kind, kind): _scaled for kind in NORMALIZATIONS},
    ("embedding", "embedding"): lambda part, shapes: rules.by_role(weight=("weight", rules.SAME)),
    ("prelu", "prelu"): lambda part, shapes: rules.parametric(math.prod(shapes["alpha"]), len(shapes["alpha"])),
    ("lstm", "lstm"): lambda part, shapes: rules.LSTM,
    ("gru", "gru"): lambda part, shapes: rules.GRU,
    ("simple_recurrent", "simple_recurrent"): lambda part, shapes: rules.SIMPLE_RECURRENT,
    ("attention", "attention"): lambda part, shapes: rules.attention(shapes["query_kernel"][1]),
}


def shapes_after(convert: Callable[[Arrays], Arrays], shapes: Shapes) -> Shapes | None:
    """Return the shapes that a rule makes; None if such a layer cannot have these shapes."""
    empty = {role: np.broadcast_to(np.int8(0), shape) for role, shape in shapes.items()}  # they take no memory
    try:
        return {role: array.shape for role, array in convert(empty).items()}
    except (ValueError, IndexError, KeyError):
        return None


def fit(keras: LayerPart, pytorch: LayerPart, models: tuple[ModelFacts, ModelFacts]) -> LayerRule | None:
    """Return the rule between two layers, if the shapes of the arrays that both have fit each other."""
    rule = rule_for(keras, pytorch, models)
    if rule is None:
        return None
    wanted, there = shapes_after(rule.to_pytorch, keras.shapes(models[0])), pytorch.shapes(models[1])
    if not wanted or any(there[role] != shape for role, shape in wanted.items() if role in there):
        return None
    missing = [role for role in wanted.keys() ^ there.keys() if not neutral(role, pytorch.kind)]
    return None if missing else rule


def neutral(role: str, kind: str) -> bool:
    """Return whether a layer may lack this array."""
    return role.removesuffix(REVERSE) in NEUTRAL or (kind in NORMALIZATIONS and role == "weight")


def neutral_array(role: str, shape: tuple[int, ...], dtype: str) -> Array:
    """Return the values for an array that a library does not have."""
    return np.full(shape, NEUTRAL.get(role.removesuffix(REVERSE), 1), dtype)
