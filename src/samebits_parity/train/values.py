"""What one training showed: the values of each step, and what its layers and optimizers are set to."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.size import floats
from samebits_probe import wire

Array = NDArray[Any]


class TensorEntry(NamedTuple):
    """One tensor as it was written: where it lies in values.bin, and what it is."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int


class TensorLog:
    """The values of one process. A name that occurs again within a step has "#2", "#3" after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tensors: dict[tuple[int, str], dict[str, TensorEntry]] = {}
        self.optimizers: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.layers: dict[str, dict[str, Any]] = {}
        self.full: int | None = None
        for line in _lines(folder / wire.VALUES_FACTS):
            self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        if "full" in line:
            self.full = int(line["full"])
        elif "about" in line:
            self._take_facts(line)
        else:
            names = self.tensors.setdefault((line["step"], line["kind"]), {})
            name = _free(line["name"], names)
            names[name] = TensorEntry(name, line["dtype"], tuple(line["shape"]), line["offset"], line["bytes"])

    def _take_facts(self, line: dict[str, Any]) -> None:
        if line["about"] == "optimizer":
            self.optimizers.setdefault(line["name"], []).append((line["step"], line["facts"]))
        else:
            self.layers.setdefault(line["name"], line["facts"])

    @cached_property
    def _values(self) -> Array:
        path = self.folder / wire.VALUES
        if not path.is_file() or not path.stat().st_size:
            return np.zeros(0, np.uint8)
        return np.memmap(path, np.uint8, "r")

    @cached_property
    def steps(self) -> int:
        """Steps whose updates were seen whole."""
        seen = [step for step, kind in self.tensors if kind == "update"]
        found = max(seen, default=-1) + 1
        return found if self.full is None else min(found, self.full)

    @cached_property
    def is_keras(self) -> bool:
        """Whether the axes of its weights are in Keras' order: its names tell."""
        return any("/" in name for name in self.names(-1, "start"))

    def names(self, step: int, kind: str) -> dict[str, TensorEntry]:
        """The tensors of a kind in a step, in the order in which they were observed."""
        return self.tensors.get((step, kind), {})

    def raw(self, tensor: TensorEntry) -> bytes:
        """Bytes in logical order."""
        return bytes(self._values[tensor.offset : tensor.offset + tensor.size])

    def value(self, step: int, kind: str, name: str) -> Array:
        """A tensor in float64 (integers too), in its own shape."""
        tensor = self.names(step, kind)[name]
        data = self.raw(tensor)
        found = floats(data, tensor.dtype)
        if found is None:
            found = np.frombuffer(data, tensor.dtype.rpartition(".")[2]).astype(np.float64)
        return found.reshape(tensor.shape)

    @cached_property
    def weights(self) -> list[str]:
        """Names of what gradients were seen of in the first step, in the order of the start."""
        found = self.names(0, "gradient")
        return [name for name in self.names(-1, "start") if name in found]

    @cached_property
    def buffers(self) -> list[str]:
        """Names of other floating point tensors of the model; Keras 2 shows the optimizer's among them."""
        start = self.names(-1, "start").values()
        held = tuple(f"{name}/" for name in self.weights)
        others = [one for one in start if one.name not in self.weights and "float" in one.dtype and one.shape]
        return [one.name for one in others if not one.name.startswith(held)]

    def weight(self, step: int, name: str) -> Array:
        """A weight or buffer after a step; -1: before the first. A step of another optimizer leaves it as it was."""
        while step >= 0 and name not in self.names(step, "update"):
            step -= 1
        return self.value(step, "start" if step < 0 else "update", name)

    @property
    def outputs(self) -> dict[str, TensorEntry]:
        """What layers returned in the first step, by the layers' names."""
        cut = len(wire.LAYER)
        forward = self.names(0, "forward").items()
        return {name[cut:]: tensor for name, tensor in forward if name.startswith(wire.LAYER)}

    def output(self, step: int, layer: str) -> Array:
        """What a layer returned in a step."""
        return self.value(step, "forward", wire.LAYER + layer)

    def optimizer(self, step: int) -> dict[str, Any] | None:
        """What the first optimizer was set to in a step; None where that was not seen."""
        known = next(iter(self.optimizers.values()), [])
        past = [facts for at, facts in known if at <= step]
        return past[-1] if past else None


def _free(name: str, names: dict[str, TensorEntry]) -> str:
    count, free = 1, name
    while free in names:
        count += 1
        free = f"{name}#{count}"
    return free


def _lines(path: Path) -> list[dict[str, Any]]:
    """The documents of a file of lines; one that was torn at the end is left out."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found
