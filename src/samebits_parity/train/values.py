"""The values of one training at each step, and the settings of its layers and optimizers.

This module also says how far two tensors are apart, and how far apart rounding alone may bring them. The rule
(docs/how-to/compare-trainings.md gives it with what was measured): a sum of n terms whose terms are rounded to a
relative u (half of the distance of 1 to the next number: 2^-24 in float32) is off by about u sqrt(n) times the largest
term, and by u n at most (Higham 2002, sections 2.2 and 4.2). So two tensors agree except for rounding if the largest |a
- b|, relative to the largest |a|, is at most FACTOR u sqrt(n), where n is the number of values in the largest tensor of
the step. FACTOR stands for the depth of a network: each layer adds its own.
"""

from __future__ import annotations

import math
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.tensors.size import FRACTION_BITS, floats
from samebits.launch.processes.observations import events
from samebits.store.tensor_log import TensorLog, TensorRow
from samebits_probe import wire

Array = NDArray[Any]


class TrainingValues:
    """The values of one process. A name that occurs again within a step has "#2", "#3" after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = TensorLog(folder)
        self.tensors: dict[tuple[int, str], dict[str, TensorRow]] = {}
        self.optimizers: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.layers: dict[str, dict[str, Any]] = {}
        self.full: int | None = None
        for row in self._log.rows:
            names = self.tensors.setdefault((row.step, row.kind), {})
            again = (f"{row.name}#{number}" for number in count(2))
            name = next(free for free in chain([row.name], again) if free not in names)
            names[name] = row._replace(name=name)
        for event in events(folder):
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if event.get("event") == "tensors-full":
            self.full = int(event["step"])
        elif event.get("event") == "settings" and event["what"] == "optimizer":
            self.optimizers.setdefault(event["name"], []).append((event["step"], event["facts"]))
        elif event.get("event") == "settings":
            self.layers.setdefault(event["name"], event["facts"])

    @cached_property
    def steps(self) -> int:
        """Steps whose updates were seen whole."""
        seen = [step for step, kind in self.tensors if kind == "update"]
        found = max(seen, default=-1) + 1
        return found if self.full is None else min(found, self.full)

    @cached_property
    def is_keras(self) -> bool:
        """Whether the axes of its weights are in Keras' order. The names of the weights show it."""
        return any("/" in name for name in self.names(-1, "start"))

    def names(self, step: int, kind: str) -> dict[str, TensorRow]:
        """Return the tensors of a kind in a step, in the order in which they were observed."""
        return self.tensors.get((step, kind), {})

    def value(self, step: int, kind: str, name: str) -> Array:
        """Return a tensor in float64 (integers too), in its own shape."""
        tensor = self.names(step, kind)[name]
        data = self._log.read(tensor).data
        found = floats(data, tensor.dtype)
        if found is None:
            found = np.frombuffer(data, tensor.dtype.rpartition(".")[2]).astype(np.float64)
        return found.reshape(tensor.shape)

    @cached_property
    def weights(self) -> list[str]:
        """Names of the weights that had a gradient in the first step, in the order of the start."""
        found = self.names(0, "gradient")
        return [name for name in self.names(-1, "start") if name in found]

    @cached_property
    def buffers(self) -> list[str]:
        """Names of the model's other floating point tensors. In Keras 2 these include the optimizer's."""
        start = self.names(-1, "start").values()
        held = tuple(f"{name}/" for name in self.weights)
        others = [one for one in start if one.name not in self.weights and "float" in one.dtype and one.shape]
        return [one.name for one in others if not one.name.startswith(held)]

    def weight(self, step: int, name: str) -> Array:
        """Return a weight or buffer after a step; -1: before the first.

        A step of a different optimizer leaves it as it was.
        """
        while step >= 0 and name not in self.names(step, "update"):
            step -= 1
        return self.value(step, "start" if step < 0 else "update", name)

    @cached_property
    def outputs(self) -> dict[str, TensorRow]:
        """What layers returned in the first step, by the layers' names."""
        cut = len(wire.LAYER)
        forward = self.names(0, "forward").items()
        return {name[cut:]: tensor for name, tensor in forward if name.startswith(wire.LAYER)}

    @cached_property
    def owners(self) -> dict[str, str]:
        """The layer that each weight belongs to."""
        return {weight: name for name, facts in self.layers.items() for weight in facts["weights"]}

    def output(self, step: int, layer: str) -> Array:
        """Return what a layer returned in a step."""
        return self.value(step, "forward", wire.LAYER + layer)

    def optimizer(self, step: int) -> dict[str, Any] | None:
        """Return the settings of the first optimizer in a step; None if they were not seen."""
        known = next(iter(self.optimizers.values()), [])
        past = [facts for at, facts in known if at <= step]
        return past[-1] if past else None


FACTOR = 4.0
CARRIED = 10.0  # by this factor a layer or a backward pass may enlarge the distance of its inputs


class Distance(NamedTuple):
    """`relative`: the largest |a - b| over the scale; `allowed`: how large rounding may make it."""

    relative: float
    allowed: float

    @property
    def parts(self) -> bool:
        """Whether they differ by more than rounding. They do if only one side is not a number."""
        return not self.relative <= self.allowed


def unit(dtypes: set[str]) -> float:
    """Return u of the coarsest floating point type among these; that of float32 if there is none."""
    bits = [FRACTION_BITS[name] for dtype in dtypes if (name := dtype.rpartition(".")[2]) in FRACTION_BITS]
    return float(2.0 ** -(min(bits, default=23) + 1))


def relative(a: Array, b: Array, scale: float | None = None) -> float:
    """Return the largest |a - b| over `scale`, else over the largest |a| or |b|. Shapes are equal.

    The result is infinite if only one of the two is NaN at some place.
    """
    if a.shape != b.shape:
        return math.inf
    if not a.size:
        return 0.0
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    with np.errstate(all="ignore"):
        largest = float(np.abs(np.where(same, 0, a - b)).max())
        scale = max(float(np.abs(a).max()), float(np.abs(b).max())) if scale is None else scale
    return largest / scale if scale and math.isfinite(largest / scale) else math.inf


def allowed(u: float, terms: int, carried: float = 0.0) -> float:
    """Return how large rounding may make the relative distance. `carried`: the distance of their inputs."""
    return FACTOR * u * math.sqrt(max(terms, 1)) + CARRIED * carried
