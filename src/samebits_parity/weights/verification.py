"""Whether two models that hold the same weights give the same outputs, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from samebits import comparison
from samebits_parity.weights import rules
from samebits_parity.weights.counterparts import LayerPart
from samebits_parity.weights.models import ModelFacts
from samebits_parity.weights.pairs import LayerPair
from samebits_parity.weights.rules import Array

ROUNDINGS = 16.0  # times the known effect of the order of a sum
UNIT = 2.0**-23  # of float32
STEADY = 1e-4  # if float32 and float64 are farther apart (relative), the reason is not rounding
UNSTEADY = "PyTorch gives different outputs each time (dropout that is always on), or rounding moves them too far"
MODEL = "model"


@dataclass(frozen=True)
class OutputGap:
    """The outputs of one pair.

    `apart`: ||a - b|| / ||a||, or None, and `why` it is not known. `allowed`: what rounding may do up to here.
    `shapes_differ`: the reason is different shapes; `is_cut`: and what follows agrees.
    """

    apart: float | None
    allowed: float
    max_ulp: int | None = None
    why: str = ""
    shapes_differ: bool = False
    is_cut: bool = False

    @property
    def agrees(self) -> bool | None:
        """Whether the outputs agree; None: not known."""
        if self.apart is None:
            return False if self.shapes_differ and not self.is_cut else None
        return self.apart <= self.allowed


def compare_layers(pairs: tuple[LayerPair, ...], keras: ModelFacts, pytorch: ModelFacts) -> list[OutputGap]:
    """Return the outputs of each pair, in the order in which Keras runs them."""
    rounding, found = 0.0, []
    for pair in pairs:
        rounding = max(rounding, _rounding(pair, pytorch))
        found.append(_layer(pair, keras, pytorch, rounding))
    return found


def compare_models(pairs: tuple[LayerPair, ...], keras: ModelFacts, pytorch: ModelFacts) -> OutputGap:
    """Return the outputs of the two models, in the order of axes in which they are nearest."""
    rounding = max([*(_rounding(pair, pytorch) for pair in pairs), _exact(pytorch, MODEL)])
    a, b = keras.outputs.get(MODEL), pytorch.outputs.get(MODEL)
    if a is None or b is None:
        return OutputGap(None, ROUNDINGS * rounding, why="not seen")
    fitting = [_distance(a, turned, rounding) for turned in _turned(b) if turned.shape == a.shape]
    nearest = min(fitting, key=lambda one: math.inf if one.apart is None else one.apart, default=None)
    return nearest or _unlike(a, b, rounding)


def settled(layers: list[OutputGap], whole: OutputGap) -> tuple[OutputGap, ...]:
    """Return the layers. One of a different shape is not judged if the next one agrees: one model cuts or pads it."""
    found = list(layers)
    for place, one in enumerate(layers):
        judged = [later for later in layers[place + 1 :] if not later.shapes_differ and later.agrees is not None]
        if one.shapes_differ and (judged[0] if judged else whole).agrees:
            found[place] = replace(one, is_cut=True, why=f"{one.why}; what follows agrees")
    return tuple(found)


def _turned(array: Array) -> Iterator[Array]:
    if array.ndim > 2:
        yield np.moveaxis(array, 1, -1)
        yield array.swapaxes(0, 1)
    yield array


def _rounding(pair: LayerPair, pytorch: ModelFacts) -> float:
    """Return what rounding may change here.

    It is the distance of PyTorch's float32 and float64, but at least what a sum of so many numbers is expected to
    change in a different order (units that grow with the square root of that number).
    """
    shapes = pair.pytorch.shapes(pytorch).values()
    longest = max(math.prod(shape[1:]) for shape in shapes)
    return max(UNIT * math.sqrt(longest), _exact(pytorch, str(pair.pytorch.layer.number)))


def _exact(model: ModelFacts, name: str) -> float:
    plain, exact = model.outputs.get(name), model.outputs.get(f"{name}.exact")
    if plain is None or exact is None or plain.shape != exact.shape:
        return 0.0
    return comparison.relative_distance(_bytes(exact, "<f8"), _bytes(plain, "<f8"), "float64") or 0.0


def _bytes(array: Array, dtype: str) -> bytes:
    return np.ascontiguousarray(array, dtype).tobytes()


def _layer(pair: LayerPair, keras: ModelFacts, pytorch: ModelFacts, rounding: float) -> OutputGap:
    name = str(pair.pytorch.layer.number)
    if pair.keras.layer.whole is False and f"{name}.last" in pytorch.outputs:
        name += ".last"
    a, b = keras.outputs.get(str(pair.keras.layer.number)), pytorch.outputs.get(name)
    if a is None or b is None or not pair.keras.layer.has_output or not pair.pytorch.layer.has_output:
        return OutputGap(None, ROUNDINGS * rounding, why="not seen")
    turned = aligned(pair.keras, a, b)
    return _unlike(a, b, rounding) if turned is None else _distance(a, turned, rounding)


def _unlike(a: Array, b: Array, rounding: float) -> OutputGap:
    why = f"shapes differ: {a.shape[1:]} in Keras, {b.shape[1:]} in PyTorch"
    return OutputGap(None, ROUNDINGS * rounding, why=why, shapes_differ=True)


def aligned(part: LayerPart, a: Array, b: Array) -> Array | None:
    """Return PyTorch's output in the order of Keras' axes; None if the shapes do not belong together."""
    spatial = part.kind in ("convolution", "depthwise", "transposed", "batch_norm", "group_norm", "prelu")
    if spatial and a.ndim > 2 and a.ndim == b.ndim and not part.layer.channels_first:
        b = np.moveaxis(b, 1, -1)
    elif a.shape != b.shape and a.ndim == b.ndim and a.ndim > 2:
        b = b.swapaxes(0, 1)
    if a.shape != b.shape:
        return None
    shape = part.folded or (part.flat if part.kind != "dense" else None)
    return rules.flattened(*shape).to_keras(b) if shape else b


def _distance(a: Array, b: Array, rounding: float) -> OutputGap:
    """Return how far two outputs of one shape are apart.

    Nothing can be judged if float32 and float64 are themselves too far apart.
    """
    allowed = ROUNDINGS * rounding
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return OutputGap(None, allowed, why="it holds infinity or NaN")
    if rounding > STEADY:
        return OutputGap(None, allowed, why=UNSTEADY)
    data = _bytes(a, "<f4"), _bytes(b, "<f4")
    size = comparison.measure(*data, "float32", a.shape)
    if not size.different:
        return OutputGap(0.0, allowed, size.max_ulp or 0)
    apart = comparison.relative_distance(*data, "float32")
    if apart is None:  # nothing but zeros in Keras' output
        apart = comparison.relative_distance(data[1], data[0], "float32")
    return OutputGap(apart, allowed, size.max_ulp or None)
